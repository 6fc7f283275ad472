#include "server/settings/proxies.h"

#include "server/settings/item_list.h"

static bool take(const struct item *item, struct proxy_list *list)
{
    struct ip_network network;
    if (item->text.len == 0) {
        problems_add(item->problems, item->place,
                     "'%s': an address is missing; write one, or take the comma away", item->what);
        return false;
    }
    if (span_equal(item->text, SPAN("unix"))) {
        list->has_unix = true;
        return true;
    }
    if (!ip_network_parse(item->text, &network))
        return item_refuse(item, "is no IP address, no network such as 10.0.0.0/8 without bits "
                                 "behind its prefix, and not unix");
    if (list->count == PROXIES_MAX)
        return item_refuse(item, "is one too many: there may be 32");
    list->networks[list->count++] = network;
    return true;
}

bool proxies_parse(struct span list, const char *what, struct place place,
                   struct problems *problems, struct proxy_list *ret)
{
    struct proxy_list parsed = {0};
    struct item_list items = {list, what, place, problems, 0};
    struct item item;
    bool good = true;
    while (item_list_next(&items, &item))
        good = take(&item, &parsed) && good;
    if (good)
        *ret = parsed;
    return good;
}
