/* Set-up's proof that the ONNX Runtime in argv[1] has the interface that Kindred is built with. */
#include <dlfcn.h>
#include <onnxruntime_c_api.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = library != NULL ? dlsym(library, "OrtGetApiBase") : NULL;
    const OrtApiBase *(*base)(void) = NULL;
    if (symbol == NULL) {
        fprintf(stderr, "no ONNX Runtime: %s\n", argc == 2 ? dlerror() : "no file is named");
        return 1;
    }
    memcpy(&base, &symbol, sizeof base);
    printf("ONNX Runtime %s, interface %d\n", base()->GetVersionString(), ORT_API_VERSION);
    return base()->GetApi(ORT_API_VERSION) != NULL ? 0 : 1;
}
