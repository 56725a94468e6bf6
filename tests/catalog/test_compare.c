/* Numbers and dates, as conditions compare them. */
#include "catalog/compare.h"

#include "samples.h"

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static int compare_text_numbers(const char *a, const char *b)
{
    kin_decimal x, y;
    assert_true(kin_decimal_parse(a, &x));
    assert_true(kin_decimal_parse(b, &y));
    return sign(kin_decimal_compare(&x, &y));
}

static void test_what_is_a_number(void **state)
{
    static const char *const yes[] = {"0",    "-0",   "007",   "1.",
                                      ".5",   "-.5",  "+12",   "1e3",
                                      "1E+3", "1e-3", "0.000", "9999999999999999999999"};
    static const char *const no[] = {"",    "-",       ".",    "-.",  "1.2.3", "e5",      "1e",
                                     "1e+", "0x1",     " 1",   "1 ",  "1,5",   "inf",     "nan",
                                     "--1", "1e99999", "1e9 ", "1..", "1e5.",  "\xD9\xA3"};
    kin_decimal number;
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_true(kin_decimal_parse(yes[i], &number));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(kin_decimal_parse(no[i], &number));
}

/* Each line is in ascending order, equal ones joined by '='. */
static void test_order_of_numbers(void **state)
{
    static const struct {
        const char *a, *b;
        int order;
    } cases[] = {
        {"0", "-0", 0},
        {"0", "0.00", 0},
        {"7", "007", 0},
        {"7", "7.0", 0},
        {"7", "70e-1", 0},
        {"7", "0.7e1", 0},
        {"1e3", "1000", 0},
        {"1e3", "999.9", 1},
        {"-1", "1", -1},
        {"-1", "-2", 1},
        {"-1", "0", -1},
        {"0.1", "0.09", 1},
        {"10", "9", 1},
        {"1.5", "1.49999", 1},
        {"1.5", "1.50001", -1},
        {"100", "1e2", 0},
        {"100.01", "100", 1},
        {"0.001", "1e-3", 0},
        {"0.0010", "0.001", 0},
        {"12", "1.2", 1},
        {"9007199254740993", "9007199254740992", 1}, /* the same double */
        {"-9007199254740993", "-9007199254740992", -1},
        {"1e-9999", "0", 1},
        {"1e9999", "9e9998", 1},
        {"-1e9999", "0", -1},
        {"1000", "1001", -1},
        {"10.10", "10.1", 0},
        {"505", "50.5e1", 0},
        {"505", "5.05e2", 0},
        {"5005", "500.4e1", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(compare_text_numbers(cases[i].a, cases[i].b), cases[i].order);
        assert_int_equal(compare_text_numbers(cases[i].b, cases[i].a), -cases[i].order);
    }
}

/* Against integers: digits with the point at a random place, and the exponent to undo it. */
static void test_numbers_against_integers(void **state)
{
    rng random = {21};
    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t values[2];
        char text[2][64];
        for (int side = 0; side < 2; side++) {
            unsigned range = rng_below(&random, 3) > 0 ? 50 : 100000000;
            int64_t value = (int64_t)rng_below(&random, range) - range / 4;
            char digits[32];
            int length = snprintf(digits, sizeof digits, "%0*lld", 1 + (int)rng_below(&random, 6),
                                  (long long)(value < 0 ? -value : value));
            int point = (int)rng_below(&random, (unsigned)length + 1);
            snprintf(text[side], sizeof text[side], "%s%.*s.%se%d", value < 0 ? "-" : "", point,
                     digits, digits + point, length - point);
            values[side] = value;
        }
        int expected = (values[0] > values[1]) - (values[0] < values[1]);
        assert_int_equal(compare_text_numbers(text[0], text[1]), expected);
    }
}

static void test_what_is_a_date(void **state)
{
    static const struct {
        const char *text;
        uint32_t first, last;
        bool sure;
    } yes[] = {
        {"20200131", 20200131, 20200131, true}, {"2020-01-31", 20200131, 20200131, true},
        {"2020-02", 20200201, 20200229, true},  {"202002", 20200201, 20200229, false},
        {"2020", 20200101, 20201231, false},    {"2019-02", 20190201, 20190228, true},
        {"1900-02", 19000201, 19000228, true},  {"2000-02", 20000201, 20000229, true},
        {"99991231", 99991231, 99991231, true}, {"1000", 10000101, 10001231, false},
        {"20200229", 20200229, 20200229, true}, {"2021-04", 20210401, 20210430, true},
    };
    static const char *const no[] = {
        "",          "20",          "20201",    "2020010",    "20190229", "20201301",
        "20200132",  "20200001",    "20200100", "2020-1-1",   "2020/01",  "2020-0131",
        "202001-31", "0999",        "00010101", "202013",     "2020-13",  "2020-00",
        "2020-01-3", "2020-01-311", "abcd",     "2020-ab-cd", "-202001",  "20200131 "};
    kin_period period;
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        assert_true(kin_period_parse(yes[i].text, &period));
        assert_int_equal(period.first, yes[i].first);
        assert_int_equal(period.last, yes[i].last);
        assert_int_equal(period.sure, yes[i].sure);
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(kin_period_parse(no[i], &period));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_a_number),
        cmocka_unit_test(test_order_of_numbers),
        cmocka_unit_test(test_numbers_against_integers),
        cmocka_unit_test(test_what_is_a_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
