// tags_bridge.cc - DCMTK's parser behind tags.h, and the registration of its decoders.
#include "base/status.h"
#include "dicom/tags.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

#include "dcmtk/config/osconfig.h"

#include "dcmtk/dcmdata/dcdatset.h"
#include "dcmtk/dcmdata/dcdict.h"
#include "dcmtk/dcmdata/dcelem.h"
#include "dcmtk/dcmdata/dcistrmb.h"
#include "dcmtk/dcmdata/dcitem.h"
#include "dcmtk/dcmdata/dcobject.h"
#include "dcmtk/dcmdata/dcsequen.h"
#include "dcmtk/dcmdata/dcvrds.h"
#include "dcmtk/dcmjpeg/djdecode.h"
#include "dcmtk/dcmjpls/djdecode.h"
#include "dcmtk/oflog/oflog.h"

struct kin_tags {
    DcmDataset data_set;
};

namespace
{

DcmItem *item_of(kin_item *item)
{
    return reinterpret_cast<DcmItem *>(item);
}

kin_item *handle_of(DcmItem *item)
{
    return reinterpret_cast<kin_item *>(item);
}

E_TransferSyntax syntax_of(kin_dicom_encoding encoding)
{
    switch (encoding) {
    case KIN_DICOM_IMPLICIT_LITTLE:
        return EXS_LittleEndianImplicit;
    case KIN_DICOM_EXPLICIT_BIG:
        return EXS_BigEndianExplicit;
    default:
        return EXS_LittleEndianExplicit;
    }
}

DcmElement *find(kin_item *item, kin_tag tag)
{
    DcmElement *element = nullptr;
    const DcmTagKey key(static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag & 0xffff));
    if (item == nullptr || item_of(item)->findAndGetElement(key, element).bad())
        return nullptr;
    return element;
}

DcmSequenceOfItems *find_sequence(kin_item *item, kin_tag tag)
{
    DcmElement *element = find(item, tag);
    if (element == nullptr || element->ident() != EVR_SQ)
        return nullptr;
    return static_cast<DcmSequenceOfItems *>(element);
}

// Each VR's class converts only from its own type: ask for that one.
template <typename T>
bool number_by(DcmElement *element, OFCondition (DcmElement::*get)(T &, const unsigned long),
               unsigned long index, double *out)
{
    T value = 0;
    if ((element->*get)(value, index).bad())
        return false;
    *out = static_cast<double>(value);
    return true;
}

bool number_of(DcmElement *element, unsigned long index, double *out)
{
    switch (element->ident()) {
    case EVR_US:
    case EVR_xs:
        return number_by(element, &DcmElement::getUint16, index, out);
    case EVR_SS:
        return number_by(element, &DcmElement::getSint16, index, out);
    case EVR_UL:
    case EVR_up:
        return number_by(element, &DcmElement::getUint32, index, out);
    case EVR_SL:
    case EVR_IS:
        return number_by(element, &DcmElement::getSint32, index, out);
    case EVR_FL:
    case EVR_OF:
        return number_by(element, &DcmElement::getFloat32, index, out);
    case EVR_DS:
    case EVR_FD:
    case EVR_OD:
        return number_by(element, &DcmElement::getFloat64, index, out);
    default:
        return false;
    }
}

bool is_text(DcmEVR vr)
{
    return DcmVR(vr).isaString();
}

// The values as an array of doubles; false when the attribute holds no such numbers.
bool all_numbers(DcmElement *element, OFVector<Float64> &values)
{
    Float32 *singles = nullptr;
    Float64 *doubles = nullptr;
    const unsigned long bytes = element->getLength();
    switch (element->ident()) {
    case EVR_DS:
        return static_cast<DcmDecimalString *>(element)->getFloat64Vector(values).good();
    case EVR_FL:
    case EVR_OF:
        if (element->getFloat32Array(singles).bad() || singles == nullptr)
            return false;
        for (unsigned long i = 0; i < bytes / sizeof(Float32); i++)
            values.push_back(singles[i]);
        return true;
    case EVR_FD:
    case EVR_OD:
        if (element->getFloat64Array(doubles).bad() || doubles == nullptr)
            return false;
        for (unsigned long i = 0; i < bytes / sizeof(Float64); i++)
            values.push_back(doubles[i]);
        return true;
    default:
        return false;
    }
}

// Copies numbers that are all finite into memory for C.
kin_status hand_out(const OFVector<Float64> &values, double **out, size_t *count, kin_error *err)
{
    for (size_t i = 0; i < values.size(); i++)
        if (!std::isfinite(values[i]))
            return kin_fail(err, KIN_E_FORMAT, nullptr, "not a number among coordinates");
    if (values.empty())
        return KIN_OK;
    *out = static_cast<double *>(std::malloc(values.size() * sizeof(double)));
    if (*out == nullptr)
        return kin_fail(err, KIN_E_NOMEM, nullptr, "no memory for coordinates");
    std::memcpy(*out, &values[0], values.size() * sizeof(double));
    *count = values.size();
    return KIN_OK;
}

// Parsing reaches the end of a stream in a buffer as a suspended read when an element is cut off.
kin_status parse(kin_tags *tags, const void *bytes, size_t size, kin_dicom_encoding encoding,
                 kin_error *err)
{
    DcmInputBufferStream stream;
    if (size > 0)
        stream.setBuffer(bytes, static_cast<offile_off_t>(size));
    stream.setEos();
    tags->data_set.transferInit();
    const OFCondition condition = tags->data_set.read(stream, syntax_of(encoding));
    tags->data_set.transferEnd();
    if (condition == EC_MemoryExhausted)
        return kin_fail(err, KIN_E_NOMEM, nullptr, "out of memory");
    if (condition.bad())
        return kin_fail(err, KIN_E_FORMAT, nullptr, "DCMTK cannot parse the data set: %s",
                        condition == EC_StreamNotifyClient ? "an element is cut off"
                                                           : condition.text());
    return KIN_OK;
}

} // namespace

extern "C" {

kin_status kin_dicom_tags_prepare(kin_error *err)
{
    try {
        OFLog::configure(OFLogger::OFF_LOG_LEVEL);
        if (!dcmDataDict.isDictionaryLoaded())
            return kin_fail(
                err, KIN_E_NOT_FOUND, nullptr,
                "DCMTK's data dictionary is missing (package libdcmtk, or DCMDICTPATH)");
        // Attributes that some converter wrote with VR UN are read by the dictionary's.
        dcmEnableUnknownVRConversion.set(OFTrue);
        // Colour is converted by our own code: see colour.h.
        DJDecoderRegistration::registerCodecs(EDC_never, EUC_never, EPC_colorByPixel);
        DJLSDecoderRegistration::registerCodecs(EJLSUC_never, EJLSPC_colorByPixel);
        return KIN_OK;
    } catch (...) {
        return kin_fail(err, KIN_E_INTERNAL, nullptr, "DCMTK cannot be initialised");
    }
}

kin_status kin_dicom_tags_parse(const void *bytes, size_t size, kin_dicom_encoding encoding,
                                kin_tags **out, kin_error *err)
{
    *out = nullptr;
    kin_tags *tags = nullptr;
    kin_status status = KIN_OK;
    try {
        tags = new kin_tags;
        status = parse(tags, bytes, size, encoding, err);
    } catch (const std::bad_alloc &) {
        status = kin_fail(err, KIN_E_NOMEM, nullptr, "out of memory");
    } catch (...) {
        status = kin_fail(err, KIN_E_INTERNAL, nullptr, "DCMTK failed to parse the data set");
    }
    if (status != KIN_OK)
        kin_dicom_tags_free(tags);
    else
        *out = tags;
    return status;
}

void kin_dicom_tags_free(kin_tags *tags)
{
    delete tags;
}

kin_item *kin_dicom_tags_root_borrow(kin_tags *tags)
{
    return handle_of(&tags->data_set);
}

bool kin_dicom_item_has(kin_item *item, kin_tag tag)
{
    return find(item, tag) != nullptr;
}

bool kin_dicom_item_text(kin_item *item, kin_tag tag, const char **text, size_t *length)
{
    DcmElement *element = find(item, tag);
    char *value = nullptr;
    if (element == nullptr || !is_text(element->ident()) || element->getString(value).bad() ||
        value == nullptr)
        return false;
    *text = value;
    *length = std::strlen(value);
    return *length > 0;
}

bool kin_dicom_item_number(kin_item *item, kin_tag tag, unsigned index, double *out)
{
    DcmElement *element = find(item, tag);
    try {
        return element != nullptr && number_of(element, index, out) && std::isfinite(*out);
    } catch (...) {
        return false;
    }
}

bool kin_dicom_item_int(kin_item *item, kin_tag tag, unsigned index, int *out)
{
    double value = 0;
    if (!kin_dicom_item_number(item, tag, index, &value) || value < -2147483648.0 ||
        value > 2147483647.0)
        return false;
    *out = static_cast<int>(value);
    return true;
}

kin_status kin_dicom_item_numbers(kin_item *item, kin_tag tag, size_t most, double **out,
                                  size_t *count, kin_error *err)
{
    DcmElement *element = find(item, tag);
    *out = nullptr;
    *count = 0;
    if (element == nullptr || element->getLength() == 0)
        return KIN_OK;
    try {
        OFVector<Float64> values;
        if (element->getVM() > most)
            return kin_fail(err, KIN_E_LIMIT, nullptr, "%lu coordinates are over the limit of %zu",
                            element->getVM(), most);
        if (!all_numbers(element, values))
            return kin_fail(err, KIN_E_FORMAT, nullptr, "coordinates that are not numbers");
        return hand_out(values, out, count, err);
    } catch (const std::bad_alloc &) {
        return kin_fail(err, KIN_E_NOMEM, nullptr, "no memory for coordinates");
    } catch (...) {
        return kin_fail(err, KIN_E_INTERNAL, nullptr, "DCMTK failed to read coordinates");
    }
}

bool kin_dicom_item_words(kin_item *item, kin_tag tag, const uint16_t **words, size_t *count,
                          bool *is_signed)
{
    DcmElement *element = find(item, tag);
    if (element == nullptr || element->getLength() < 2)
        return false;
    Uint16 *values = nullptr;
    Sint16 *signed_values = nullptr;
    Uint8 *bytes = nullptr;
    const bool ss = element->ident() == EVR_SS;
    if (ss && element->getSint16Array(signed_values).good())
        *words = reinterpret_cast<const uint16_t *>(signed_values);
    else if (element->getUint16Array(values).good())
        *words = values;
    else if (element->getUint8Array(bytes).good()) // OB: from new[], so aligned
        *words = reinterpret_cast<const uint16_t *>(bytes);
    else
        return false;
    *count = element->getLength() / 2;
    if (is_signed != nullptr)
        *is_signed = ss;
    return *words != nullptr;
}

bool kin_dicom_item_longs(kin_item *item, kin_tag tag, const uint64_t **longs, size_t *count)
{
    DcmElement *element = find(item, tag);
    Uint64 *values = nullptr;
    if (element == nullptr || element->getLength() < 8 || element->getUint64Array(values).bad() ||
        values == nullptr)
        return false;
    *longs = reinterpret_cast<const uint64_t *>(values);
    *count = element->getLength() / 8;
    return true;
}

size_t kin_dicom_item_count(kin_item *item, kin_tag tag)
{
    DcmSequenceOfItems *sequence = find_sequence(item, tag);
    return sequence != nullptr ? sequence->card() : 0;
}

kin_item *kin_dicom_item_at(kin_item *item, kin_tag tag, size_t index)
{
    DcmSequenceOfItems *sequence = find_sequence(item, tag);
    if (sequence == nullptr || index >= sequence->card())
        return nullptr;
    return handle_of(sequence->getItem(static_cast<unsigned long>(index)));
}

size_t kin_dicom_item_list(kin_item *item, kin_tag tag, kin_item **list, size_t count)
{
    DcmSequenceOfItems *sequence = find_sequence(item, tag);
    size_t n = 0;
    if (sequence == nullptr)
        return 0;
    for (DcmObject *object = sequence->nextInContainer(nullptr); object != nullptr && n < count;
         object = sequence->nextInContainer(object))
        list[n++] = handle_of(static_cast<DcmItem *>(object));
    return n;
}

kin_item *kin_dicom_item_find_below(kin_item *item, kin_tag tag)
{
    if (item == nullptr)
        return nullptr;
    DcmItem *in = item_of(item);
    for (DcmObject *object = in->nextInContainer(nullptr); object != nullptr;
         object = in->nextInContainer(object)) {
        if (object->ident() != EVR_SQ)
            continue;
        DcmSequenceOfItems *sequence = static_cast<DcmSequenceOfItems *>(object);
        if (sequence->card() > 0 && find(handle_of(sequence->getItem(0)), tag) != nullptr)
            return handle_of(sequence->getItem(0));
    }
    return nullptr;
}

} // extern "C"
