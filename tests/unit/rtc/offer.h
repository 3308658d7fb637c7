// An offer as a browser writes it, shortened to what matters, for the tests of this folder. %s: fingerprint.
#pragma once

#define OFFER_FINGERPRINT \
    "8B:8A:E2:0A:4A:9F:1F:B5:19:95:3E:A5:F6:F0:95:84:4C:50:66:AF:AC:91:6C:01:CA:EA:1B:2D:AA:96:A9:B3"

#define OFFER_TRANSPORT(fingerprint)               \
    "c=IN IP4 0.0.0.0\r\n"                          \
    "a=candidate:1 1 udp 2113937151 11563f18-0083-47a1-add9-da5c0eccb9ed.local 51179 typ host\r\n" \
    "a=ice-ufrag:brRC\r\n"                          \
    "a=ice-pwd:4+bXD/WE9Jaku7LE8u9XiH06\r\n"        \
    "a=ice-options:trickle\r\n"                     \
    "a=fingerprint:sha-256 " fingerprint "\r\n"     \
    "a=setup:actpass\r\n"

#define OFFER_SESSION                   \
    "v=0\r\n"                           \
    "o=- 46117 2 IN IP4 127.0.0.1\r\n"  \
    "s=-\r\n"                           \
    "t=0 0\r\n"                         \
    "a=group:BUNDLE 0 1 2\r\n"          \
    "a=extmap-allow-mixed\r\n"          \
    "a=msid-semantic: WMS\r\n"

#define OFFER_AUDIO(fingerprint)                    \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 9\r\n"         \
    OFFER_TRANSPORT(fingerprint)                    \
    "a=mid:0\r\n"                                   \
    "a=recvonly\r\n"                                \
    "a=rtcp-mux\r\n"                                \
    "a=rtpmap:111 opus/48000/2\r\n"                 \
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n"

#define OFFER_VIDEO(fingerprint)                    \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 108 109 116 117\r\n" \
    OFFER_TRANSPORT(fingerprint)                    \
    "a=mid:1\r\n"                                   \
    "a=extmap:1 urn:ietf:params:rtp-hdrext:toffset\r\n" \
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n" \
    "a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n" \
    "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n" \
    "a=extmap:9/recvonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n" \
    "a=recvonly\r\n"                                \
    "a=rtcp-mux\r\n"                                \
    "a=rtcp-rsize\r\n"                              \
    "a=rtpmap:96 VP8/90000\r\n"                     \
    "a=rtcp-fb:96 goog-remb\r\n"                    \
    "a=rtpmap:97 rtx/90000\r\n"                     \
    "a=fmtp:97 apt=96\r\n"                          \
    "a=rtpmap:103 H264/90000\r\n"                   \
    "a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f\r\n" \
    "a=rtpmap:104 rtx/90000\r\n"                    \
    "a=fmtp:104 apt=103\r\n"                        \
    "a=rtpmap:108 H264/90000\r\n"                   \
    "a=rtcp-fb:108 goog-remb\r\n"                   \
    "a=rtcp-fb:108 transport-cc\r\n"                \
    "a=rtcp-fb:108 ccm fir\r\n"                     \
    "a=rtcp-fb:108 nack\r\n"                        \
    "a=rtcp-fb:108 nack pli\r\n"                    \
    "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n" \
    "a=rtpmap:109 rtx/90000\r\n"                    \
    "a=fmtp:109 apt=108\r\n"                        \
    "a=rtpmap:116 H264/90000\r\n"                   \
    "a=fmtp:116 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f\r\n" \
    "a=rtpmap:117 rtx/90000\r\n"                    \
    "a=fmtp:117 apt=116\r\n"

#define OFFER_DATA(fingerprint)                     \
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" \
    OFFER_TRANSPORT(fingerprint)                    \
    "a=mid:2\r\n"                                   \
    "a=sctp-port:5000\r\n"                          \
    "a=max-message-size:262144\r\n"

#define OFFER_FULL(fingerprint) \
    OFFER_SESSION OFFER_AUDIO(fingerprint) OFFER_VIDEO(fingerprint) OFFER_DATA(fingerprint)
