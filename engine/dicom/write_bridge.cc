// write_bridge.cc - kin_dicom_write_memory() by DCMTK: elements, sequences and encoders.
#include "base/fs.h"
#include "base/status.h"
#include "dicom/write_spec.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "dcmtk/config/osconfig.h"

#include "dcmtk/dcmdata/dcdatset.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcdict.h"
#include "dcmtk/dcmdata/dcostrmb.h"
#include "dcmtk/dcmdata/dcpath.h"
#include "dcmtk/dcmdata/dcpixel.h"
#include "dcmtk/dcmdata/dcpixseq.h"
#include "dcmtk/dcmdata/dcpxitem.h"
#include "dcmtk/dcmdata/dcrleerg.h"
#include "dcmtk/dcmdata/dcsequen.h"
#include "dcmtk/dcmdata/dcxfer.h"
#include "dcmtk/dcmimage/diregist.h" // colour support for the JPEG encoder
#include "dcmtk/dcmjpeg/djencode.h"
#include "dcmtk/dcmjpeg/djrplol.h"
#include "dcmtk/dcmjpeg/djrploss.h"
#include "dcmtk/dcmjpls/djencode.h"
#include "dcmtk/dcmjpls/djrparam.h"
#include "dcmtk/oflog/oflog.h"

namespace
{

const char implementation_uid[] = "2.25.15637094120701606289247945612692513183";
const char implementation_version[] = "KINDRED_1";

// An error on its way to kin_fail(): thrown and caught within this file only.
struct failure {
    kin_status code;
    std::string what;
};

[[noreturn]] void refuse(const std::string &what)
{
    throw failure{KIN_E_ARG, what};
}

void check(const OFCondition &condition, const std::string &what)
{
    if (condition.bad())
        throw failure{KIN_E_ARG, what + ": " + condition.text()};
}

E_TransferSyntax transfer_syntax(const kin_dicom_new &spec)
{
    switch (spec.syntax) {
    case KIN_DICOM_EXPLICIT_LE:
        return EXS_LittleEndianExplicit;
    case KIN_DICOM_IMPLICIT_LE:
        return EXS_LittleEndianImplicit;
    case KIN_DICOM_EXPLICIT_BE:
        return EXS_BigEndianExplicit;
    case KIN_DICOM_DEFLATED:
        return EXS_DeflatedLittleEndianExplicit;
    case KIN_DICOM_RLE:
        return EXS_RLELossless;
    case KIN_DICOM_JPEG:
        return spec.bits_allocated > 8 ? EXS_JPEGProcess2_4 : EXS_JPEGProcess1;
    case KIN_DICOM_JPEG_LOSSLESS:
        return EXS_JPEGProcess14SV1;
    case KIN_DICOM_JPEG_LS:
        return EXS_JPEGLSLossless;
    }
    refuse("no such transfer syntax");
}

// The item that an attribute's path leads to, made with everything on its way.
DcmItem *make_item(DcmDataset &data_set, const std::string &path)
{
    DcmPathProcessor processor;
    processor.setItemWildcardSupport(OFFalse);
    processor.checkPrivateReservations(OFFalse);
    check(processor.findOrCreatePath(&data_set, path.c_str(), OFTrue), path);
    OFList<DcmPath *> found;
    if (processor.getResults(found) != 1)
        refuse(path + ": not one place");
    DcmObject *object = found.front()->back()->m_obj;
    if (object->ident() != EVR_item)
        refuse(path + ": the way must end in an item, as in Sequence[0].Attribute");
    return static_cast<DcmItem *>(object);
}

DcmElement *make_element(DcmDataset &data_set, const kin_dicom_new_attribute &attribute)
{
    std::string path = attribute.path;
    const size_t dot = path.rfind('.');
    DcmItem *item = &data_set;
    if (dot != std::string::npos) {
        item = make_item(data_set, path.substr(0, dot));
        path = path.substr(dot + 1);
    }
    if (path.size() > 2 && path.front() == '(' && path.back() == ')')
        path = path.substr(1, path.size() - 2);
    DcmTag tag;
    check(DcmTag::findTagFromName(path.c_str(), tag), path);
    if (attribute.vr != nullptr)
        tag.setVR(DcmVR(attribute.vr));
    if (tag.getEVR() == EVR_UNKNOWN || tag.getEVR() == EVR_UNKNOWN2B)
        refuse(path + ": no such VR, or a private attribute without one");
    DcmElement *element = nullptr;
    check(DcmItem::newDicomElementWithVR(element, tag), path);
    check(item->insert(element, OFTrue), path);
    return element;
}

void put_words(DcmElement *element, const kin_dicom_new_attribute &attribute)
{
    const unsigned long count = static_cast<unsigned long>(attribute.word_count);
    const std::string path = attribute.path;
    switch (element->getVR()) {
    case EVR_OB:
    case EVR_UN: {
        std::vector<Uint8> bytes;
        for (size_t i = 0; i < attribute.word_count; i++) {
            bytes.push_back(static_cast<Uint8>(attribute.words[i] & 0xff));
            bytes.push_back(static_cast<Uint8>(attribute.words[i] >> 8));
        }
        check(element->putUint8Array(bytes.data(), 2 * count), path);
        break;
    }
    case EVR_SS:
        check(element->putSint16Array(reinterpret_cast<const Sint16 *>(attribute.words), count),
              path);
        break;
    default:
        check(element->putUint16Array(attribute.words, count), path);
    }
}

void put_attributes(DcmDataset &data_set, const kin_dicom_new &spec)
{
    for (size_t i = 0; i < spec.attribute_count; i++) {
        const kin_dicom_new_attribute &attribute = spec.attributes[i];
        if (attribute.path == nullptr)
            refuse("an attribute without path");
        DcmElement *element = make_element(data_set, attribute);
        if (attribute.words != nullptr)
            put_words(element, attribute);
        else if (attribute.value != nullptr && attribute.value[0] != '\0')
            check(element->putString(attribute.value), attribute.path);
    }
}

void put_uint16(DcmDataset &data_set, const DcmTagKey &tag, int value)
{
    check(data_set.putAndInsertUint16(tag, static_cast<Uint16>(value)), "image module");
}

void put_image_module(DcmDataset &data_set, const kin_dicom_new &spec)
{
    put_uint16(data_set, DCM_SamplesPerPixel, spec.samples_per_pixel);
    check(data_set.putAndInsertString(DCM_PhotometricInterpretation, spec.photometric),
          "PhotometricInterpretation");
    if (spec.samples_per_pixel == 3)
        put_uint16(data_set, DCM_PlanarConfiguration, spec.planar ? 1 : 0);
    if (spec.frames > 1)
        check(data_set.putAndInsertString(DCM_NumberOfFrames, std::to_string(spec.frames).c_str()),
              "NumberOfFrames");
    put_uint16(data_set, DCM_Rows, spec.rows);
    put_uint16(data_set, DCM_Columns, spec.columns);
    put_uint16(data_set, DCM_BitsAllocated, spec.bits_allocated);
    put_uint16(data_set, DCM_BitsStored, spec.bits_stored);
    put_uint16(data_set, DCM_HighBit, spec.bits_stored - 1);
    put_uint16(data_set, DCM_PixelRepresentation, spec.is_signed ? 1 : 0);
}

// Pixel data in DCMTK's own form: native words, little endian bytes within them.  A 32-bit big
// endian cell is one unit (PS3.5 section 8.1.1): DCMTK, which swaps by words, is led around that.
void put_pixels(DcmDataset &data_set, const kin_dicom_new &spec)
{
    DcmTag tag(DCM_PixelData);
    const bool bytes = spec.bits_allocated == 8 && spec.syntax != KIN_DICOM_IMPLICIT_LE;
    tag.setVR(DcmVR(bytes ? EVR_OB : EVR_OW));
    DcmPixelData *element = new DcmPixelData(tag);
    const OFCondition inserted = data_set.insert(element, OFTrue);
    if (inserted.bad()) {
        delete element;
        check(inserted, "PixelData");
    }
    if (spec.bits_allocated == 8) {
        check(element->putUint8Array(static_cast<const Uint8 *>(spec.pixels),
                                     static_cast<unsigned long>(spec.pixels_size)),
              "PixelData");
        return;
    }
    std::vector<Uint16> words(spec.pixels_size / 2);
    std::memcpy(words.data(), spec.pixels, spec.pixels_size);
    if (spec.bits_allocated == 32 && spec.syntax == KIN_DICOM_EXPLICIT_BE)
        for (size_t i = 0; i + 1 < words.size(); i += 2)
            std::swap(words[i], words[i + 1]);
    check(element->putUint16Array(words.data(), static_cast<unsigned long>(words.size())),
          "PixelData");
}

void register_encoders()
{
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DcmRLEEncoderRegistration::registerCodecs();
    DJEncoderRegistration::registerCodecs(ECC_lossyYCbCr, EUC_never);
    DJLSEncoderRegistration::registerCodecs(0, 0, 0, 0, OFTrue, 0, OFTrue, EJLSUC_never);
}

// DCMTK's JPEG-LS encoder leaves the byte that pads an odd fragment as it was in memory: zero it.
void clear_padding(DcmDataset &data_set, E_TransferSyntax syntax,
                   const DcmRepresentationParameter *parameter)
{
    DcmElement *element = nullptr;
    DcmPixelSequence *fragments = nullptr;
    check(data_set.findAndGetElement(DCM_PixelData, element), "compression");
    check(static_cast<DcmPixelData *>(element)->getEncapsulatedRepresentation(syntax, parameter,
                                                                              fragments),
          "compression");
    for (unsigned long i = 1; i < fragments->card(); i++) { // the first item is the offset table
        DcmPixelItem *item = nullptr;
        Uint8 *bytes = nullptr;
        check(fragments->getItem(item, i), "compression");
        const unsigned long size = item->getLength();
        check(item->getUint8Array(bytes), "compression");
        if (size >= 3 && bytes[size - 3] == 0xff &&
            bytes[size - 2] == 0xd9) // end of image, padding
            bytes[size - 1] = 0;
    }
}

void compress(DcmDataset &data_set, const kin_dicom_new &spec)
{
    register_encoders();
    const E_TransferSyntax syntax = transfer_syntax(spec);
    DJ_RPLossy lossy(spec.jpeg_quality);
    DJ_RPLossless lossless;
    DJLSRepresentationParameter jpeg_ls(0, OFTrue);
    const DcmRepresentationParameter *parameter = nullptr;
    if (spec.syntax == KIN_DICOM_JPEG)
        parameter = &lossy;
    else if (spec.syntax == KIN_DICOM_JPEG_LOSSLESS)
        parameter = &lossless;
    else if (spec.syntax == KIN_DICOM_JPEG_LS)
        parameter = &jpeg_ls;
    check(data_set.chooseRepresentation(syntax, parameter), "compression");
    if (!data_set.canWriteXfer(syntax))
        refuse("the encoder cannot make this transfer syntax from these pixels");
    if (spec.syntax == KIN_DICOM_JPEG_LS)
        clear_padding(data_set, syntax, parameter);
}

void append_meta_element(std::string &out, unsigned element, const char *vr, std::string value)
{
    if (value.size() % 2 != 0)
        value.push_back('\0'); // PS3.5 section 9: UIDs are padded with NUL
    const char low = static_cast<char>(value.size() & 0xff);
    const char high = static_cast<char>(value.size() >> 8);
    out.append({'\x02', '\0', static_cast<char>(element), '\0', vr[0], vr[1]});
    if (std::strcmp(vr, "OB") == 0)
        out.append({'\0', '\0', low, high, '\0', '\0'});
    else
        out.append({low, high});
    out += value;
}

// Preamble and file meta information (PS3.10 section 7.1), with nothing of DCMTK's own in it.
std::string file_meta(const kin_dicom_new &spec)
{
    std::string group;
    std::string version = implementation_version;
    if (version.size() % 2 != 0)
        version.push_back(' ');
    append_meta_element(group, 0x01, "OB", std::string("\0\1", 2));
    append_meta_element(group, 0x02, "UI", spec.sop_class_uid);
    append_meta_element(group, 0x03, "UI", spec.sop_instance_uid);
    append_meta_element(group, 0x10, "UI", DcmXfer(transfer_syntax(spec)).getXferID());
    append_meta_element(group, 0x12, "UI", implementation_uid);
    append_meta_element(group, 0x13, "SH", version);
    const char low = static_cast<char>(group.size() & 0xff);
    const char high = static_cast<char>(group.size() >> 8);
    std::string out(128, '\0');
    out += "DICM";
    append_meta_element(out, 0x00, "UL", {low, high, '\0', '\0'});
    return out + group;
}

std::string data_set_bytes(DcmDataset &data_set, const kin_dicom_new &spec)
{
    std::vector<char> chunk(1 << 16);
    std::string out;
    DcmOutputBufferStream stream(chunk.data(), static_cast<offile_off_t>(chunk.size()));
    data_set.transferInit();
    OFCondition condition;
    do {
        condition = data_set.write(stream, transfer_syntax(spec), EET_ExplicitLength, nullptr,
                                   EGL_withoutGL, EPD_withoutPadding);
        if (condition.bad() && condition != EC_StreamNotifyClient)
            check(condition, "writing");
        do { // when all is written, a compressing stream still holds some
            if (condition.good())
                stream.flush();
            void *bytes = nullptr;
            offile_off_t size = 0;
            stream.flushBuffer(bytes, size);
            out.append(static_cast<const char *>(bytes), static_cast<size_t>(size));
        } while (condition.good() && !stream.isFlushed());
    } while (condition == EC_StreamNotifyClient);
    data_set.transferEnd();
    return out;
}

std::string encode(const kin_dicom_new &spec)
{
    DcmDataset data_set;
    if (spec.pixels != nullptr)
        put_image_module(data_set, spec);
    check(data_set.putAndInsertString(DCM_SOPClassUID, spec.sop_class_uid), "SOPClassUID");
    check(data_set.putAndInsertString(DCM_SOPInstanceUID, spec.sop_instance_uid), "SOPInstanceUID");
    put_attributes(data_set, spec);
    if (spec.pixels != nullptr) {
        put_pixels(data_set, spec);
        if (spec.syntax > KIN_DICOM_DEFLATED)
            compress(data_set, spec);
    }
    return file_meta(spec) + data_set_bytes(data_set, spec);
}

} // namespace

extern "C" kin_status kin_dicom_write_memory(const kin_dicom_new *given, void **out,
                                             size_t *out_size, kin_error *err)
{
    kin_dicom_new spec;
    kin_status status = kin_dicom_write_spec(given, &spec, err);
    if (status != KIN_OK)
        return status;
    try {
        if (!dcmDataDict.isDictionaryLoaded())
            return kin_fail(err, KIN_E_INTERNAL, nullptr, "DCMTK's data dictionary is missing");
        const std::string bytes = encode(spec);
        char *copy = static_cast<char *>(std::malloc(bytes.size()));
        if (copy == nullptr)
            return kin_fail(err, KIN_E_NOMEM, nullptr, "out of memory");
        bytes.copy(copy, bytes.size());
        *out = copy;
        *out_size = bytes.size();
        return KIN_OK;
    } catch (const failure &why) {
        return kin_fail(err, why.code, nullptr, "cannot write DICOM: %s", why.what.c_str());
    } catch (const std::bad_alloc &) {
        return kin_fail(err, KIN_E_NOMEM, nullptr, "out of memory");
    } catch (...) {
        return kin_fail(err, KIN_E_INTERNAL, nullptr, "cannot write DICOM");
    }
}

extern "C" kin_status kin_dicom_write(const char *path, const kin_dicom_new *spec, kin_error *err)
{
    void *bytes = nullptr;
    size_t size = 0;
    kin_status status = kin_dicom_write_memory(spec, &bytes, &size, err);
    if (status == KIN_OK)
        status = kin_fs_replace(kin_fs_posix(), path, bytes, size, err);
    else
        kin_error_name(err, path);
    std::free(bytes);
    return status;
}
