# SPDX-License-Identifier: BSD-2-Clause
"""Edits of mm/buddy.c and buddy_list.h that the explorer must notice: name: (world, (old text, new text)…)."""

BUGS = {
    # The free count stays when a page is taken out of the middle (5.10.43).
    "exact_not_counted": (
        "1", ("	count_free(zone, type, -((int64_t)1 << order));\n	return true;", "	return true;")),
    # The half that holds the page is taken for the other one (Xen 71c6a62317).
    "exact_keeps_wrong_half": (
        "1", ("buddy_list_add(zone, zone->map, page < upper ? upper : head, found, type, false);",
              "buddy_list_add(zone, zone->map, page <= upper ? upper : head, found, type, false);")),
    # The last merge is left out (Xen 5cb7ff13ee).
    "no_merge_to_the_top": ("3", ("for (; order < MAX_ORDER - 1; order++, mergeable",
                                  "for (; order < MAX_ORDER - 2; order++, mergeable")),
    # A neighbour of another zone is merged in (Xen bd0bb8a005).
    "merge_over_the_border": (
        "1", ("if ((page_word(buddy) & WORD_ALLOC_MASK) != mergeable)",
              "if ((page_word(buddy) & WORD_ALLOC_MASK & ~WORD_ZID_MASK) !=\n"
              "		    (mergeable & ~WORD_ZID_MASK))")),
    "merge_into_isolation": (
        "2", ("unlikely(order >= PAGEBLOCK_ORDER) && merge_refused(zone, page, buddy)",
              "unlikely(order > PAGEBLOCK_ORDER) && merge_refused(zone, page, buddy)")),
    "merge_not_recounted": ("3", ("if (unlikely(block_list(buddy) != type))", "if (0)")),
    "move_not_recounted": (
        "3", ("	if (from != type)\n		buddy_recount", "	if (0)\n		buddy_recount")),
    "no_tail_for_a_likely_merge": (
        "1", ("place == BUDDY_TAIL || merge_likely(zone, page, order)", "place == BUDDY_TAIL")),
    "exact_leaves_its_rest_at_the_tail": (
        "1", ("buddy_list_add(zone, zone->map, page < upper ? upper : head, found, type, false);",
              "buddy_list_add(zone, zone->map, page < upper ? upper : head, found, type, true);")),
    "bit_stays_of_an_empty_list": (
        "1", ("->prev = page->prev;\n	if (--list->count == 0)",
              "->prev = page->prev;\n	if (--list->count == 1)")),
    "bit_stays_of_a_list_that_was_taken_from": (
        "1", ("if (--list->count == 0)\n		list_emptied(zone, order, type);\n	else",
              "if (--list->count == 1)\n		list_emptied(zone, order, type);\n	else")),
    "second_block_still_points_at_what_was_taken": (
        "1", ("(zone, map, next)->prev = PFN_NONE;", "(zone, map, next)->prev += 0;")),
    "last_not_moved": ("1", ("		list->last = page->prev;\n", "		;\n")),
    "free_block_without_its_byte": ("3", ("		*heads_at(zone, pfn) = 0;\n", "		*heads_at(zone, pfn) += 0;\n")),
    "bit_stays_when_all_single_ones_are_taken": (
        "1", ("	else\n		list_emptied(zone, 0, type);\n", "")),
    "run_leaves_its_rest_in_one": (
        "1", ("for (unsigned i = count; i < size; i += i & -i)",
              "for (unsigned i = count; i < size; i += 1)")),
    "take_does_not_count": (
        "1", ("found, type, false);\n	}\n	count_free(zone, type, -((int64_t)1 << order));\n	return page;",
              "found, type, false);\n	}\n	return page;")),
}
