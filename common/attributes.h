/* attributes.h: short names for the compiler attributes that the house style asks for. */
#ifndef COMMON_ATTRIBUTES_H
#define COMMON_ATTRIBUTES_H

#define NODISCARD __attribute__((warn_unused_result))
#define FORMAT(format_index, first_argument) \
    __attribute__((format(printf, format_index, first_argument)))

#endif
