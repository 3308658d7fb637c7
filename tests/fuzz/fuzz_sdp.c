// SDP offers: errors say something in plain characters, and an answer to whatever parses is SDP itself.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *error)
{
    assert(error[0] && strlen(error) < RTC_ERROR_TEXT_SIZE);
    for (const char *c = error; *c; c++)
        assert(*c >= 0x20 && *c <= 0x7e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sdp_offer offer, back;
    static char text[65536];
    struct sdp_choice choice;
    char error[RTC_ERROR_TEXT_SIZE];
    if (sdp_parse(&offer, (const char *)data, size, error) < 0) {
        check_text(error);
        return 0;
    }
    assert(offer.section_count >= 1 && offer.section_count <= SDP_MAX_SECTIONS);
    if (sdp_choose(&choice, &offer, false, error) < 0) {
        check_text(error);
        return 0;
    }
    assert(choice.video >= 0 ? choice.codec != NULL : choice.data >= 0);
    static const uint8_t fingerprint[32] = { 1 };
    struct rtc_candidate candidate = { .addr = { 6, { 0x20, 1, 0xd, 0xb8 }, 47998 } };
    struct sdp_answer answer = { .offer = &offer, .choice = &choice, .session_id = 1, .ufrag = "abcdefgh",
        .pwd = "abcdefghijklmnopqrstuvwx", .fingerprint = fingerprint, .ssrc = 1, .rtx_ssrc = 2, .cname = "c",
        .playout_delay = true, .candidates = &candidate, .candidate_count = 1 };
    size_t n = sdp_write_answer(&answer, text, sizeof(text));
    assert(n && n == strlen(text));
    assert(sdp_parse(&back, text, n, error) == RTC_OK);
    assert(back.section_count == offer.section_count && back.ice_lite);
    for (size_t i = 0; i < back.section_count; i++)
        assert((back.section[i].port != 0) == ((int)i == choice.video || (int)i == choice.data || (int)i == choice.kept));
    return 0;
}
