# The Debian packages go-id, libsonyflake1 and libsonyflake-dev, for the preset `deb` (make deb):
# each is a component, with copyright and changelogs of its own.
set(GO_ID_MAINTAINER "The go-id authors <maintainers@go-id.invalid>" CACHE STRING
    "Whom the Debian packages name as their maintainer")
set(debian ${CMAKE_CURRENT_SOURCE_DIR}/debian)
set(made ${CMAKE_CURRENT_BINARY_DIR}/debian)

# ---- Documents

file(READ ${PROJECT_SOURCE_DIR}/LICENSE LICENSE)
string(REGEX MATCH "Copyright \\(c\\) ([^\n]*)" _ "${LICENSE}")
set(COPYRIGHT "${CMAKE_MATCH_1}")
string(REGEX REPLACE "^.*(Permission is hereby)" "\\1" LICENSE "${LICENSE}")
string(STRIP "${LICENSE}" LICENSE)
string(REPLACE "\n\n" "\n.\n" LICENSE "${LICENSE}")
string(REPLACE "\n" "\n " LICENSE " ${LICENSE}")
set(MAINTAINER "${GO_ID_MAINTAINER}")
configure_file(${debian}/copyright.in ${made}/copyright @ONLY)

foreach(package go-id libsonyflake1 libsonyflake-dev)
    set(PACKAGE ${package})
    configure_file(${debian}/changelog.in ${made}/${package}/changelog.Debian @ONLY)
    configure_file(${PROJECT_SOURCE_DIR}/CHANGELOG.md ${made}/${package}/changelog COPYONLY)
    execute_process(COMMAND gzip -9nf changelog.Debian changelog
        WORKING_DIRECTORY ${made}/${package} COMMAND_ERROR_IS_FATAL ANY)
endforeach()

function(install_documents component package)
    install(FILES ${made}/copyright ${made}/${package}/changelog.Debian.gz
        ${made}/${package}/changelog.gz
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component})
endfunction()

install_documents(service go-id)
install_documents(library libsonyflake1)
install_documents(development libsonyflake-dev)
install(FILES logrotate DESTINATION /etc/logrotate.d RENAME go-id COMPONENT service)

# ---- Packages

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME go-id)
set(CPACK_PACKAGE_CONTACT "${GO_ID_MAINTAINER}")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR})
set(CPACK_COMPONENTS_ALL service library development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_SET_DESTDIR ON) # the units and the configuration are for the paths of the system
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

set(CPACK_DEBIAN_SERVICE_PACKAGE_NAME go-id)
set(CPACK_DEBIAN_SERVICE_PACKAGE_SECTION net)
set(CPACK_DEBIAN_SERVICE_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_SERVICE_PACKAGE_SUGGESTS "logrotate")
set(CPACK_DEBIAN_SERVICE_DESCRIPTION "unique, sortable 64-bit ids over HTTP
A service that hands out Sonyflake ids: never the same one twice, growing with
time, without a database and without coordination between machines beyond
one number each.")
set(CPACK_DEBIAN_SERVICE_PACKAGE_CONTROL_EXTRA
    "${debian}/postinst;${debian}/prerm;${debian}/postrm;${debian}/conffiles")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libsonyflake1)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
file(WRITE ${made}/shlibs "libsonyflake 1 libsonyflake1 (>= ${PROJECT_VERSION})\n")
file(WRITE ${made}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${made}/shlibs;${made}/triggers")
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "Sonyflake ids, lock-free: the library
The generator behind go-id, for one machine id or a range of them: unique,
sortable 64-bit ids of 39 bits of time, 8 of sequence and 16 of machine id.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libsonyflake-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libsonyflake1 (= ${PROJECT_VERSION}-1)")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "Sonyflake ids, lock-free: for development
Header, static library and the files for pkg-config and CMake of the
generator behind go-id.")

include(CPack)
