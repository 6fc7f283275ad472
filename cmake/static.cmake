# One file that runs on any Linux, with musl in place of libc (preset `static`, make static): position
# independent all the same, so that its addresses are as random as those of the other binary.
#
# Debian's musl-gcc knows static and PIE, but not both at once, so the start file is named here.

execute_process(COMMAND ${CMAKE_C_COMPILER} -dumpmachine OUTPUT_VARIABLE machine
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "gnu" "musl" musl_lib "/usr/lib/${machine}")

# The kernel's headers alone: beside them in /usr/include are those of the other libc.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/kernel)
foreach(folder linux asm-generic)
    file(CREATE_LINK /usr/include/${folder} ${PROJECT_BINARY_DIR}/kernel/${folder} SYMBOLIC)
endforeach()
file(CREATE_LINK /usr/include/${machine}/asm ${PROJECT_BINARY_DIR}/kernel/asm SYMBOLIC)
target_compile_options(project_flags INTERFACE -idirafter ${PROJECT_BINARY_DIR}/kernel
    -Wno-sign-conversion) # its ioctl() takes an int
target_link_options(project_flags INTERFACE -static -nostartfiles -Wl,-pie,--no-dynamic-linker,-z,text
    ${musl_lib}/rcrt1.o ${musl_lib}/crti.o)
target_link_libraries(project_flags INTERFACE ${musl_lib}/crtn.o)
