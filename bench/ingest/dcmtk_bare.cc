#include "dcmtk_bare.h"

#include <vector>

#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dcrledrg.h"
#include "dcmtk/dcmdata/dctk.h"
#include "dcmtk/dcmimage/diregist.h"
#include "dcmtk/dcmimgle/dcmimage.h"
#include "dcmtk/dcmjpeg/djdecode.h"
#include "dcmtk/dcmjpls/djdecode.h"
#include "dcmtk/oflog/oflog.h"

void dcmtk_bare_prepare(void)
{
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DcmRLEDecoderRegistration::registerCodecs();
    DJDecoderRegistration::registerCodecs();
    DJLSDecoderRegistration::registerCodecs();
}

size_t dcmtk_bare_decode(const char *path)
{
    try {
        DcmFileFormat file;
        if (file.loadFile(path).bad())
            return 0;
        /* A frame at a time is how a program with bounded memory would ask. */
        DicomImage image(&file, EXS_Unknown, CIF_UsePartialAccessToPixelData, 0, 1);
        if (image.getStatus() != EIS_Normal)
            return 0;
        size_t frames = 0;
        std::vector<Uint8> pixels;
        do {
            image.setMinMaxWindow();
            pixels.resize(image.getOutputDataSize(8));
            if (pixels.empty() || !image.getOutputData(pixels.data(), pixels.size(), 8))
                return frames;
            frames++;
        } while (image.processNextFrames());
        return frames;
    } catch (...) {
        return 0;
    }
}
