// consumer.cpp: consumer.c again, in C++, which is less forgiving about headers.
#include <sonyflake.h>

#include <iostream>
#include <memory>

int main()
{
    sonyflake_options options = {};
    options.layout = SONYFLAKE_LAYOUT_DEFAULT;
    options.machine_id = 4242;
    options.machine_id_count = 1;

    sonyflake_generator *created = nullptr;
    if (sonyflake_create(&options, &created) != SONYFLAKE_OK)
        return 1;
    const std::unique_ptr<sonyflake_generator, decltype(&sonyflake_destroy)> generator(
        created, &sonyflake_destroy);

    std::uint64_t id = 0;
    sonyflake_parts parts = {};
    if (sonyflake_next_id(generator.get(), &id) != SONYFLAKE_OK ||
        sonyflake_decompose(&options.layout, id, &parts) != SONYFLAKE_OK)
        return 1;
    std::cout << sonyflake_version() << " machine_id=" << parts.machine_id << "\n";
    return 0;
}
