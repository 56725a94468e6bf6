/* Character sets: the examples of PS3.5 annexes H to K and PS3.3 C.12.1.1.2, and broken text. */
#include <stdlib.h>
#include <string.h>

#include "dicom/charset.h"
#include "shared_data.h"

static const struct {
    const char *about, *charset, *text, *expected;
} cases[] = {
    {"ASCII", "", "Buc^Jerome", "Buc^Jerome"},
    {"Latin-1", "ISO_IR 100", "Buc^J\351r\364me", "Buc^Jérôme"},
    {"Latin-1, Äneas", "ISO_IR 100", "\304neas^R\374diger", "Äneas^Rüdiger"},
    {"Latin-2", "ISO_IR 101", "Wa\263\352sa", "Wałęsa"},
    {"Latin-3", "ISO_IR 109", "\306ar", "Ĉar"},
    {"Latin-4", "ISO_IR 110", "\346iema", "æiema"},
    {"Latin-5", "ISO_IR 148", "\307avu\376o\360lu", "Çavuşoğlu"},
    {"Latin-9", "ISO_IR 203", "\244", "€"},
    {"Greek (SCSGREEK)", "ISO_IR 126", "\304\351\357\355\365\363\351\357\362", "Διονυσιος"},
    {"Cyrillic (SCSRUSS)", "ISO_IR 144", "\273\356\332ce\334\321yp\323", "Люкceмбypг"},
    {"Arabic (SCSARAB)", "ISO_IR 127", "\342\310\307\346\352^\344\346\322\307\321", "قباني^لنزار"},
    {"Hebrew (SCSHBRW)", "ISO_IR 138", "\371\370\345\357^\343\341\345\370\344", "שרון^דבורה"},
    {"Thai", "ISO_IR 166", "\271\322\302", "นาย"},
    {"Unicode", "ISO_IR 192", "Wang^XiaoDong=\347\216\213^\345\260\217\346\235\261",
     "Wang^XiaoDong=王^小東"},
    {"GB18030 (annex J)", "GB18030", "Wang^XiaoDong=\315\365^\320\241\266\253",
     "Wang^XiaoDong=王^小东"},
    {"GB18030, four bytes", "GB18030", "\2030\2015", "랸"},
    {"GBK", "GBK", "\315\365\320\241\266\253", "王小东"},
    {"Japanese, IR 87 (annex H.3.1)", "\\ISO 2022 IR 87",
     "Yamada^Tarou=\033$B;3ED\033(B^\033$BB@O:\033(B=\033$B$d$^$@\033(B^\033$B$?$m$&\033(B",
     "Yamada^Tarou=山田^太郎=やまだ^たろう"},
    {"Japanese, IR 13 and 87 (annex H.3.2)", "ISO 2022 IR 13\\ISO 2022 IR 87",
     "\324\317\300\336^\300\333\263=\033$B;3ED\033(J^\033$BB@O:\033(J=\033$B$d$^$@\033(J^\033$B$?$"
     "m$&"
     "\033(J",
     "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"},
    {"JIS X 0201 without escapes", "ISO_IR 13", "\324\317\300\336^\300\333\263", "ﾔﾏﾀﾞ^ﾀﾛｳ"},
    {"JIS X 0212", "\\ISO 2022 IR 87\\ISO 2022 IR 159", "\033$(D\060\041\033(B", "丂"},
    {"Korean (annex I.2)", "\\ISO 2022 IR 149",
     "Hong^Gildong=\033$)C\373\363^\033$)C\321\316\324\327=\033$)C\310\253^\033$)C\261\346\265\277",
     "Hong^Gildong=洪^吉洞=홍^길동"},
    {"Chinese, IR 58 (annex K.2)", "\\ISO 2022 IR 58",
     "Zhang^XiaoDong=\033$)A\325\305^\033$)A\320\241\266\253=", "Zhang^XiaoDong=张^小东="},
    {"back at the start behind a delimiter", "ISO 2022 IR 100\\ISO 2022 IR 126",
     "\351\033-F\304\\\351", "éΔ\\é"},
    {"and behind a line's end", "ISO 2022 IR 100\\ISO 2022 IR 126", "\033-F\304\r\n\351", "Δ\r\né"},
    {"nothing stated, Latin-1 guessed", "", "J\351r\364me", "Jérôme"},
    {"nothing stated, UTF-8 guessed", "", "J\303\251r\303\264me", "Jérôme"},
    {"a term nobody knows", "ISO_IR 999", "J\351r\364me", "Jérôme"},
    {"another spelling", "ISO-IR 100", "J\351", "Jé"},
    {"padded term", " ISO_IR 100 ", "J\351", "Jé"},
    {"broken UTF-8", "ISO_IR 192", "a\303b\377c",
     "a\xef\xbf\xbd"
     "b\xef\xbf\xbd"
     "c"},
    {"overlong UTF-8", "ISO_IR 192", "\300\257", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"half a Korean character", "\\ISO 2022 IR 149", "\033$)C\373", "\xef\xbf\xbd"},
    {"an escape cut off", "\\ISO 2022 IR 87", "a\033", "a"},
    {"half a kanji", "\\ISO 2022 IR 87", "\033$B;", ";"},
};

static void examples_convert(void **state)
{
    (void)state;
    kin_dicom_charset_prepare();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_charset charset;
        kin_dicom_charset_init(&charset, cases[i].charset, strlen(cases[i].charset));
        char *text = kin_dicom_charset_utf8(&charset, cases[i].text, strlen(cases[i].text), true);
        if (text == NULL || strcmp(text, cases[i].expected) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", cases[i].about, text, cases[i].expected);
        free(text);
        kin_dicom_charset_release(&charset);
    }
}

/* Every set, fed with every pair of bytes: nothing is written beyond its buffer, no input fails. */
static void any_bytes_are_survived(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "",           "ISO_IR 13", "ISO_IR 166",
        "ISO_IR 192", "GB18030",   "GBK",
        "ISO_IR 149", "ISO_IR 58", "ISO 2022 IR 87\\ISO 2022 IR 159"};
    static const char *const prefixes[] = {"", "\033$B", "\033$(D", "\033$)C", "\033$)A", "\033)I"};
    for (size_t s = 0; s < sizeof sets / sizeof sets[0]; s++)
        for (size_t p = 0; p < sizeof prefixes / sizeof prefixes[0]; p++) {
            kin_charset charset;
            kin_dicom_charset_init(&charset, sets[s], strlen(sets[s]));
            for (unsigned pair = 0; pair < 65536; pair += 3) {
                char text[16];
                size_t length = strlen(prefixes[p]);
                memcpy(text, prefixes[p], length);
                text[length++] = (char)(pair >> 8);
                text[length++] = (char)pair;
                char *exact = malloc(length);
                memcpy(exact, text, length);
                char *result = kin_dicom_charset_utf8(&charset, exact, length, pair % 2 == 0);
                assert_non_null(result);
                free(result);
                free(exact);
            }
            kin_dicom_charset_release(&charset);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_convert),
        cmocka_unit_test(any_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
