/* A program of somebody else's, who has the installed library and its manual, client.h: looks an
 * image up and tells what came.  Built by test_install.sh in C and in C++. */
#include <inttypes.h>
#include <kindred/client.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    kin_error err;
    kin_client *client;
    kin_client_options options;
    Kindred__V1__SearchRequest request;
    Kindred__V1__SearchResponse *response;
    int code = -1;
    size_t i;
    if (argc != 3)
        return 2;
    kin_error_clear(&err);
    memset(&options, 0, sizeof options);
    options.target = argv[1];
    options.timeout = 60;
    options.user_agent = "external/1.0";
    if (kin_client_open(&options, &client, &err) != KIN_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 2;
    }
    kindred__v1__search_request__init(&request);
    request.query_case = KINDRED__V1__SEARCH_REQUEST__QUERY_UID;
    request.uid = argv[2];
    request.k = 3;
    if (kin_client_search(client, &request, &response, &code, &err) != KIN_OK)
        printf("code %d, %s: %s\n", code, kin_status_text(err.code), err.message);
    else
        for (i = 0; i < response->n_results; i++)
            printf("%" PRIu32 " %s\n", response->results[i]->rank,
                   response->results[i]->image->sop_instance_uid);
    kin_client_free(response);
    kin_client_close(client);
    return code == 0 ? 0 : 1;
}
