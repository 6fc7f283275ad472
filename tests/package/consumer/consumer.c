/* consumer.c: a stranger's program; knows the installed header and nothing else. */
#include <inttypes.h>
#include <stdio.h>

#include <sonyflake.h>

int main(void)
{
    const struct sonyflake_options options = {
        .layout = SONYFLAKE_LAYOUT_DEFAULT,
        .machine_id = 4242,
        .machine_id_count = 1,
    };
    struct sonyflake_generator *generator;
    if (sonyflake_create(&options, &generator) != SONYFLAKE_OK)
        return 1;

    uint64_t id;
    struct sonyflake_parts parts;
    enum sonyflake_status status = sonyflake_next_id(generator, &id);
    if (status == SONYFLAKE_OK)
        status = sonyflake_decompose(&options.layout, id, &parts);
    sonyflake_destroy(generator);
    if (status != SONYFLAKE_OK) {
        (void)fprintf(stderr, "%s\n", sonyflake_status_text(status));
        return 1;
    }
    (void)printf("%s machine_id=%" PRIu32 "\n", sonyflake_version(), parts.machine_id);
    return 0;
}
