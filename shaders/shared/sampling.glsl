// Random numbers and the shapes they are mapped to.
#ifndef SHARED_SAMPLING_GLSL
#define SHARED_SAMPLING_GLSL

const float PI = 3.14159265358979;

// PCG output permutation as a hash (Jarzynski and Olano 2020, "pcg").
uint hash_uint(uint v)
{
    uint s = v * 747796405u + 2891336453u;
    uint w = ((s >> ((s >> 28) + 4u)) ^ s) * 277803737u;
    return (w >> 22) ^ w;
}

float unit_float(uint bits) { return float(bits >> 8) * (1.0 / 16777216.0); }

// Nested uniform (Owen) scrambling by hashing the reversed bits (Laine and Karras 2011, as improved by Burley 2020).
uint owen_scramble(uint x, uint seed)
{
    x = bitfieldReverse(x);
    x += seed;
    x ^= x * 0x6c50b47cu;
    x ^= x * 0xb82f1e52u;
    x ^= x * 0xc7afe638u;
    x ^= x * 0x8d22f6e6u;
    return bitfieldReverse(x);
}

// The second dimension of Sobol's sequence; the first is the index bit-reversed.
uint sobol_second(uint index)
{
    uint v = 0x80000000u, r = 0u;
    for (uint i = index; i != 0u; i >>= 1) {
        if ((i & 1u) != 0u)
            r ^= v;
        v ^= v >> 1;
    }
    return r;
}

// Point `index` of a two-dimensional, Owen-scrambled, shuffled Sobol sequence, padded over `dimension` pairs.
// `pixel` is any number of the pixel. Stable for the same arguments.
vec2 sample_2d(uint pixel, uint index, uint dimension)
{
    uint seed = hash_uint(pixel ^ hash_uint(dimension + 0x9e3779b9u));
    uint i = owen_scramble(index, seed);
    uint a = owen_scramble(bitfieldReverse(i), hash_uint(seed + 1u));
    uint b = owen_scramble(sobol_second(i), hash_uint(seed + 2u));
    return vec2(unit_float(a), unit_float(b));
}

// The same with an independent third number, stratified by itself.
vec3 sample_3d(uint pixel, uint index, uint dimension)
{
    uint seed = hash_uint(pixel ^ hash_uint(dimension + 0x9e3779b9u));
    uint i = owen_scramble(index, seed);
    uint first = bitfieldReverse(i);
    uint a = owen_scramble(first, hash_uint(seed + 1u));
    uint b = owen_scramble(sobol_second(i), hash_uint(seed + 2u));
    uint c = owen_scramble(bitfieldReverse(owen_scramble(index, seed + 0x68bc21ebu)), hash_uint(seed + 3u));
    return vec3(unit_float(a), unit_float(b), unit_float(c));
}

float sample_1d(uint pixel, uint index, uint dimension)
{
    uint seed = hash_uint(pixel ^ hash_uint(dimension + 0x7f4a7c15u));
    return unit_float(owen_scramble(bitfieldReverse(owen_scramble(index, seed)), hash_uint(seed + 1u)));
}

// A right-handed frame around n (Duff et al. 2017).
void frame_around(vec3 n, out vec3 t, out vec3 b)
{
    float s = n.z >= 0.0 ? 1.0 : -1.0;
    float a = -1.0 / (s + n.z), c = n.x * n.y * a;
    t = vec3(1.0 + s * n.x * n.x * a, s * c, -s * n.x);
    b = vec3(c, s + n.y * n.y * a, -n.y);
}

// Area-preserving map of the square to the unit disk (Shirley and Chiu 1997).
vec2 sample_disk(vec2 u)
{
    vec2 p = 2.0 * u - 1.0;
    if (p.x == 0.0 && p.y == 0.0)
        return vec2(0.0);
    bool wide = abs(p.x) > abs(p.y);
    float r = wide ? p.x : p.y;
    float phi = wide ? PI / 4.0 * (p.y / p.x) : PI / 2.0 - PI / 4.0 * (p.x / p.y);
    return r * vec2(cos(phi), sin(phi));
}

vec3 sample_cosine(vec2 u)
{
    vec2 d = sample_disk(u);
    return vec3(d, sqrt(max(1.0 - dot(d, d), 0.0)));
}

// Uniform over the cone around +z whose half angle has cosine 1 - one_minus_cos.
vec3 sample_cone(vec2 u, float one_minus_cos)
{
    float h = u.x * one_minus_cos; // 1 - cosine of the angle
    float s = sqrt(max(h * (2.0 - h), 0.0)), phi = 2.0 * PI * u.y;
    return vec3(s * cos(phi), s * sin(phi), 1.0 - h);
}

// Veach's power heuristic, exponent 2.
float power_weight(float mine, float other)
{
    float a = mine * mine, b = other * other;
    return mine > 1e15 ? 1.0 : a / max(a + b, 1e-30);
}

// An origin that does not hit the surface it starts from (Wachter and Binder 2019, "A Fast and Robust Method
// for Avoiding Self-Intersection").
vec3 offset_origin(vec3 p, vec3 n)
{
    ivec3 step = ivec3(256.0 * n);
    vec3 moved = intBitsToFloat(floatBitsToInt(p) + mix(step, -step, lessThan(p, vec3(0.0))));
    return mix(moved, p + n / 65536.0, lessThan(abs(p), vec3(1.0 / 32.0)));
}
#endif
