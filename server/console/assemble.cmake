# assemble.cmake: makes console_page.c from the sources of the console.
#   cmake -DSOURCE=server/console -DOUTPUT=console_page.c -DGZIP=/bin/gzip -P assemble.cmake
# The same sources give the same bytes, whenever and wherever.

# Base64 of a string of hexadecimal digits: CMake has SHA-256 and no base64.
function(hex_to_base64 hex ret_base64)
    set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    set(base64 "")
    string(LENGTH "${hex}" length)
    while(length GREATER 0)
        string(SUBSTRING "${hex}0000" 0 6 group) # three bytes are four letters
        math(EXPR number "0x${group}")
        foreach(shift 18 12 6 0)
            math(EXPR index "(${number} >> ${shift}) & 63")
            string(SUBSTRING "${alphabet}" ${index} 1 letter)
            string(APPEND base64 "${letter}")
        endforeach()
        if(length LESS 6)
            math(EXPR padding "3 - ${length} / 2")
            math(EXPR kept "4 - ${padding}")
            string(LENGTH "${base64}" end)
            math(EXPR end "${end} - ${padding}")
            string(SUBSTRING "${base64}" 0 ${end} base64)
            string(REPEAT "=" ${padding} equals)
            string(APPEND base64 "${equals}")
            set(length 0)
        else()
            string(SUBSTRING "${hex}" 6 -1 hex)
            math(EXPR length "${length} - 6")
        endif()
    endwhile()
    set(${ret_base64} "${base64}" PARENT_SCOPE)
endfunction()

# How a Content-Security-Policy names an inline script or style.
function(policy_hash text ret_hash)
    string(SHA256 hex "${text}")
    hex_to_base64("${hex}" base64)
    set(${ret_hash} "'sha256-${base64}'" PARENT_SCOPE)
endfunction()

# The bytes of a file as the elements of a C array.
function(c_array file ret_elements)
    file(READ "${file}" hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," elements "${hex}")
    string(REGEX REPLACE "(................................................................................)"
        "\\1\n    " elements "${elements}") # 16 a line
    set(${ret_elements} "${elements}" PARENT_SCOPE)
endfunction()

# Comment lines and indentation are for readers of the sources.
function(read_source name ret_text)
    file(READ "${SOURCE}/${name}" text)
    string(REGEX REPLACE "\n +" "\n" text "\n${text}")
    string(REGEX REPLACE "\n//[^\n]*" "" text "${text}")
    string(REGEX REPLACE "\n/\\*[^\n]*\\*/(\n|$)" "\n" text "${text}")
    string(REGEX REPLACE "\n\n+" "\n" text "${text}")
    string(REGEX REPLACE "^\n" "" text "${text}")
    set(${ret_text} "${text}" PARENT_SCOPE)
endfunction()

read_source(console.css style)
read_source(console.js script)
read_source(console.html page)
read_source(status.css status_style)
policy_hash("${style}" style_hash)
policy_hash("${script}" script_hash)
policy_hash("${status_style}" status_style_hash)
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")

get_filename_component(folder "${OUTPUT}" DIRECTORY)
file(WRITE "${folder}/console_page.html" "${page}")
execute_process(
    COMMAND "${GZIP}" -9 -n -c console_page.html
    WORKING_DIRECTORY "${folder}"
    OUTPUT_FILE console_page.html.gz
    COMMAND_ERROR_IS_FATAL ANY)
c_array("${folder}/console_page.html.gz" page_bytes)
file(SHA256 "${folder}/console_page.html.gz" etag)
string(SUBSTRING "${etag}" 0 16 etag)

file(WRITE "${folder}/status_style.css" "${status_style}")
c_array("${folder}/status_style.css" status_style_bytes)

configure_file("${SOURCE}/console_page.c.in" "${OUTPUT}" @ONLY)
