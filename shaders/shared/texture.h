// The texture table and the pages that hold the pixels, read by C and by GLSL.
//
// SCENE_BIND_TEXTURES starts with TEXTURE_HEADER_WORDS uints per texture. A level of a texture is cut into
// tiles of at most TEXTURE_TILE texels a side, each stored with a border of one texel (the neighbours, wrapped
// around at the picture's edge) in a square of TEXTURE_LAYER texels a side of a page image.
#ifndef SHARED_TEXTURE_H
#define SHARED_TEXTURE_H

#define TEXTURE_LAYER 1024 // texels a side of a page image's layer
#define TEXTURE_TILE 254   // texels a side, without the border

#define TEXTURE_HEADER_WORDS 4
#define TEXTURE_SIZE 0     // width in the low half, height in the high half
#define TEXTURE_KIND 1     // level count in bits 0-7, TEXTURE_* flags from bit 8
#define TEXTURE_LEVELS 2   // where the uints are that say, for each level, where its tiles' uints start
#define TEXTURE_CONSTANT 3 // RGBA8, the value while TEXTURE_IS_CONSTANT

#define TEXTURE_IS_FLOAT 0x100u    // in the half float pages
#define TEXTURE_IS_SRGB 0x200u     // red, green and blue are sRGB-encoded
#define TEXTURE_IS_CONSTANT 0x400u // not decoded yet

// A tile's uint: layer in bits 0-11, x / 8 in bits 12-18, y / 8 in bits 19-25 of the square with its border.
#endif
