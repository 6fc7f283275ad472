#include "server/settings/item_list.h"

#include "common/log.h"

bool item_list_next(struct item_list *list, struct item *ret_item)
{
    if (list->next > list->text.len)
        return false;
    struct span rest = {list->text.base + list->next, list->text.len - list->next};
    const char *comma = memchr(rest.base, ',', rest.len);
    size_t len = comma != NULL ? (size_t)(comma - rest.base) : rest.len;
    *ret_item = (struct item){{rest.base, len}, list->what, list->place, list->problems};
    if (ret_item->place.column > 0)
        ret_item->place.column += (unsigned)list->next;
    list->next += len + 1;
    return true;
}

bool item_refuse(const struct item *item, const char *reason)
{
    char quoted[160]; /* a message has room for a whole path, and for the reason behind it */
    problems_add(item->problems, item->place, "'%s': %s %s", item->what,
                 log_quote(item->text, quoted, sizeof(quoted)), reason);
    return false;
}
