# Runs at `cmake --install`: writes go-id.service with the paths of the prefix, and go-id.conf if
# there is none yet.  The configuration is in /etc for the system's prefixes, and below the prefix
# for any other, which an installation without root has.
set(bindir "${CMAKE_INSTALL_PREFIX}/${bin_directory}")
if(CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?$")
    set(confdir /etc/go-id)
else()
    set(confdir "${CMAKE_INSTALL_PREFIX}/etc/go-id")
endif()

set(BINDIR "${bindir}")
set(CONFDIR "${confdir}")
configure_file("${source_directory}/systemd/go-id.service.in"
    "${binary_directory}/go-id.service" @ONLY)
file(INSTALL "${binary_directory}/go-id.service"
    DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")

if(EXISTS "$ENV{DESTDIR}${confdir}/go-id.conf")
    message(STATUS "Kept as it is: $ENV{DESTDIR}${confdir}/go-id.conf")
else()
    file(INSTALL "${binary_directory}/go-id.conf" DESTINATION "${confdir}")
endif()
