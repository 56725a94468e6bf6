/* All of the program's side, for ldd to look at (test_decoder_links.sh). */
#include "measure/measure.h"

int main(void)
{
    const kin_measure_task task = {.image = "", .mask = ""};
    kin_radiomics radiomics;
    return kin_measure_run(&task, &radiomics, NULL) == KIN_OK;
}
