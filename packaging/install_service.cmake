# Runs at `cmake --install`: writes go-id.service and go-id@.service with the paths of the prefix, and
# go-id.conf if there is none yet.  The configuration is in /etc for the system's prefixes, and below the prefix
# for any other, which an installation without root has.
set(bindir "${CMAKE_INSTALL_PREFIX}/${bin_directory}")
if(CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?$")
    set(confdir /etc/go-id)
else()
    set(confdir "${CMAKE_INSTALL_PREFIX}/etc/go-id")
endif()

set(BINDIR "${bindir}")
set(CONFDIR "${confdir}")

# Both units are go-id.service.in.  What an instance has of its own is in a subfolder; AT is "@" or "".
function(install_unit AT DESCRIPTION SUBFOLDER)
    file(READ "${source_directory}/systemd/environment${AT}" ENVIRONMENT)
    configure_file("${source_directory}/systemd/go-id.service.in"
        "${binary_directory}/go-id${AT}.service" @ONLY)
    file(INSTALL "${binary_directory}/go-id${AT}.service"
        DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
    set(CMAKE_INSTALL_MANIFEST_FILES "${CMAKE_INSTALL_MANIFEST_FILES}" PARENT_SCOPE)
endfunction()

install_unit("" "" "")
install_unit("@" ", shard %i" "/%i")

if(EXISTS "$ENV{DESTDIR}${confdir}/go-id.conf")
    message(STATUS "Kept as it is: $ENV{DESTDIR}${confdir}/go-id.conf")
else()
    file(INSTALL "${binary_directory}/go-id.conf" DESTINATION "${confdir}")
endif()
