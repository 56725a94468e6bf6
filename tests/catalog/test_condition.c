/* The grammar of conditions: what is refused, where, and at which limits. */
#include "catalog/condition.h"

#include "samples.h"

/* --- grammar --- */

static void test_good_conditions(void **state)
{
    static const char *const good[] = {
        "a=b",
        "  modality\t=\nMR  ",
        "a = b and c = d or e != f",
        "NOT a = b AND (c < 3 Or d >= 4)",
        "a in (b)",
        "a In(b,c , 'd e')",
        "a not in (1, 2)",
        "not not a = b",
        "((((a = b))))",
        "'and' = 'or'",
        "\"not\" in ('in', \"and\")",
        "a = 'it''s' or b = \"say \"\"x\"\"\"",
        "a = ''",
        "Größe >= 1.5",
        "follow-up <= 2020-01-31",
        "path = /a/b:c*?",
        "inside = android",
        "notin = 1",
        "a.b_c = d",
        "a = -3e5",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        kin_condition *condition;
        kin_error err = {0};
        kin_status status = kin_condition_parse(good[i], &condition, &err);
        if (status != KIN_OK)
            print_error("%s: %s\n", good[i], err.message);
        assert_ok(status);
        kin_condition_free(condition);
    }
    kin_condition_free(NULL);
}

static void test_bad_conditions(void **state)
{
    static const struct {
        const char *text;
        unsigned column;
        const char *says;
    } bad[] = {
        {"", 1, "name"},
        {"   ", 4, "name"},
        {"a", 2, "=, !="},
        {"a =", 4, "a value"},
        {"a = and", 5, "a value"},
        {"a = b c", 7, "\"and\", \"or\" or the end"},
        {"a = b and", 10, "name"},
        {"a = b or or c = d", 10, "name"},
        {"and = 3", 1, "must be quoted"},
        {"= 3", 1, "name"},
        {"(a = b", 7, "\")\""},
        {"a = b)", 6, "the end"},
        {"a = (b)", 5, "a value"},
        {"a in b", 6, "\"(\""},
        {"a in ()", 7, "a value"},
        {"a in (b", 8, "\",\" or \")\""},
        {"a in (b,", 9, "a value"},
        {"a in (b,)", 9, "a value"},
        {"a in (b c)", 9, "\",\" or \")\""},
        {"a not = b", 7, "\"in\""},
        {"a not", 6, "\"in\""},
        {"not", 4, "name"},
        {"a ! b", 3, "\"!=\""},
        {"a == b", 4, "a value"},
        {"a <> b", 4, "a value"},
        {"a = 'open", 5, "must close"},
        {"a = \"it's", 5, "must close"},
        {"'' = b", 1, "cannot be empty"},
        {"Größe = 'ä' und", 13, "\"and\""},
        {"'ü' = b )", 9, "the end"},
        {"a , b", 3, "=, !="},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kin_condition *condition;
        kin_error err = {0};
        char column[32];
        kin_status status = kin_condition_parse(bad[i].text, &condition, &err);
        snprintf(column, sizeof column, "column %u:", bad[i].column);
        if (status != KIN_E_ARG || strstr(err.message, column) == NULL ||
            strstr(err.message, bad[i].says) == NULL)
            print_error("%s: status %d, %s\n", bad[i].text, status, err.message);
        assert_int_equal(status, KIN_E_ARG);
        assert_non_null(strstr(err.message, column));
        assert_non_null(strstr(err.message, bad[i].says));
    }
}

/* Text made of `count` times `piece`, between a head and a tail; freed by the caller. */
static char *repeat(const char *head, const char *piece, size_t count, const char *tail)
{
    size_t size = strlen(head) + count * strlen(piece) + strlen(tail) + 1;
    char *text = malloc(size), *at = text + sprintf(text, "%s", head);
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, "%s", piece);
    sprintf(at, "%s", tail);
    return text;
}

static void expect(char *text, kin_status expected)
{
    kin_condition *condition;
    kin_error err = {0};
    kin_status status = kin_condition_parse(text, &condition, &err);
    free(text);
    assert_int_equal(status, expected);
    if (status == KIN_OK)
        kin_condition_free(condition);
}

static void test_limits(void **state)
{
    (void)state;
    expect(
        repeat("", "(", 64, "a=b))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))"),
        KIN_OK);
    expect(repeat("", "(", 65, "a=b"), KIN_E_LIMIT);
    expect(repeat("", "not ", 64, "a=b"), KIN_OK);
    expect(repeat("", "not ", 65, "a=b"), KIN_E_LIMIT);
    expect(repeat("", "(", 65000, ""), KIN_E_LIMIT);
    expect(repeat("a in (0", ",1", 4095, ")"), KIN_OK);
    expect(repeat("a in (0", ",1", 4096, ")"), KIN_E_LIMIT);
    expect(repeat("a=1", " and a=1", 4095, ""), KIN_OK);
    expect(repeat("a=1", " or a=1", 4096, ""), KIN_E_LIMIT);
    expect(repeat("a in (1", ",", 60000, ""), KIN_E_ARG);
    expect(repeat("a = '", "x", KIN_CONDITION_MAX_TEXT - 6, "'"), KIN_OK);
    expect(repeat("a = '", "x", KIN_CONDITION_MAX_TEXT - 5, "'"), KIN_E_LIMIT);
    /* Siblings do not add up to depth. */
    expect(repeat("not (a=1)", " or not (a=1)", 1000, ""), KIN_OK);
}

/* Any bytes: an answer, never a crash.  Built of the grammar's own pieces to get past the first
 * error. */
static void test_random_text(void **state)
{
    static const char *const pieces[] = {"a", "=",  "!=",  "<",  "<=", ">",   ">=",   "(",
                                         ")", ",",  "and", "or", "in", "not", "'x'",  "\"y\"",
                                         "'", "\"", "!",   "12", " ",  "é",   "\xff", "2020-01"};
    rng random = {31};
    unsigned parsed = 0;
    (void)state;
    for (int i = 0; i < 50000; i++) {
        char text[256] = "";
        kin_condition *condition;
        for (unsigned n = rng_below(&random, 12); n > 0; n--) {
            strcat(text, pieces[rng_below(&random, sizeof pieces / sizeof pieces[0])]);
            if (rng_below(&random, 2) > 0)
                strcat(text, " ");
        }
        kin_status status = kin_condition_parse(text, &condition, NULL);
        if (status == KIN_OK) {
            kin_condition_free(condition);
            parsed++;
        } else {
            assert_int_equal(status, KIN_E_ARG);
        }
    }
    assert_true(parsed > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_conditions),
        cmocka_unit_test(test_bad_conditions),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_random_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
