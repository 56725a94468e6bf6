/* groups.c - functional groups of enhanced multi-frame images (PS3.3 C.7.6.16). */
#include <stdlib.h>

#include "dicom/module.h"

enum { TAG_SHARED_GROUPS = 0x52009229, TAG_FRAME_GROUPS = 0x52009230 };

kin_status kin_dicom_groups_load(kin_dicom *dicom, kin_error *err)
{
    dicom->shared_groups = kin_dicom_item_at(dicom->root, TAG_SHARED_GROUPS, 0);
    size_t count = kin_dicom_item_count(dicom->root, TAG_FRAME_GROUPS);
    if (count == 0)
        return KIN_OK;
    dicom->frame_groups = calloc(count, sizeof(kin_item *));
    if (dicom->frame_groups == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    dicom->frame_group_count =
        kin_dicom_item_list(dicom->root, TAG_FRAME_GROUPS, dicom->frame_groups, count);
    return KIN_OK;
}

kin_item *kin_dicom_frame_group(const kin_dicom *dicom, int frame, kin_tag sequence)
{
    kin_item *found = NULL;
    if ((size_t)frame < dicom->frame_group_count)
        found = kin_dicom_item_at(dicom->frame_groups[frame], sequence, 0);
    return found != NULL ? found : kin_dicom_item_at(dicom->shared_groups, sequence, 0);
}
