# The compiler's flags, once, for everything: the target `project_flags` carries them.

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(GO_ID_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (e.g. address,undefined)")
option(GO_ID_FUZZ "Instrument for libFuzzer or AFL++ and link the fuzz targets with it" OFF)
option(GO_ID_WARNINGS_AS_ERRORS "Fail on a warning (CI; a user's newer compiler must not)" OFF)

add_library(project_flags INTERFACE)
target_compile_features(project_flags INTERFACE c_std_17)
target_compile_definitions(project_flags INTERFACE _GNU_SOURCE)
target_include_directories(project_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(project_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2
    -Wvla -Wundef -Wswitch-enum -Wcast-qual
    -fstack-protector-strong -fstack-clash-protection -fvisibility=hidden
    -ffunction-sections -fdata-sections
    -ffile-prefix-map=${PROJECT_SOURCE_DIR}=. # the same program from whatever folder it is built in
    $<$<BOOL:${GO_ID_WARNINGS_AS_ERRORS}>:-Werror>)
target_link_options(project_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--gc-sections)

# Jumps land and functions return where they were meant to, on processors that check it.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    target_compile_options(project_flags INTERFACE -fcf-protection=full) # CET
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
    target_compile_options(project_flags INTERFACE -mbranch-protection=standard) # BTI and PAC
endif()

if(GO_ID_SANITIZE)
    target_compile_options(project_flags INTERFACE
        -fsanitize=${GO_ID_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(project_flags INTERFACE -fsanitize=${GO_ID_SANITIZE})
else()
    # Fortified functions need an optimising build and get in the sanitizers' way.
    target_compile_options(project_flags INTERFACE
        $<$<CONFIG:Release>:-U_FORTIFY_SOURCE> $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=3>)
    # Nothing unwinds the stack at run time; debuggers find the same tables in the debug information.
    target_compile_options(project_flags INTERFACE
        -fno-asynchronous-unwind-tables -fno-unwind-tables)
endif()

# Release keeps debug information (a crash report needs it) and its checks (BUG_IF).
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-O0 -g")

if(GO_ID_FUZZ)
    target_compile_options(project_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

include(CheckPIESupported)
check_pie_supported()
