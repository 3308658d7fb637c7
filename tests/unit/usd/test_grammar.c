// The grammar of text layers, one row per rule: what OpenUSD reads is read, what it refuses is refused.
#include "usd_test.h"

#define IN(body) "#usda 1.0\ndef \"A\" {\n" body "\n}\n"
#define META(body) "#usda 1.0\ndef \"A\" (\n" body "\n) {\n}\n"
#define LAYER(body) "#usda 1.0\n(\n" body "\n)\n"

struct row {
    const char *rule, *text;
};

static bool no_path(const char *path, void *user) { return false; }

static int open_row(const struct row *r, usd_stage **s, struct usd_error *err)
{
    struct usd_open_options o = { .allow_path = no_path, .threads = 1 };
    return usd_stage_open_string(r->text, strlen(r->text), "t.usda", "/nonexistent", &o, s, err);
}

static void accepted(void **state)
{
    static const struct row rows[] = {
        { "minor versions", "#usda 1.3\n" },
        { "spaces before the version, words behind it", "#usda   1.0 by hand\n" },
        { "nothing but the header", "#usda 1.0" },
        { "comments of three kinds", "#usda 1.0 \n# a\n// b\n/* c\n c */\ndef \"A\" {} // d\n" },
        { "a block comment between words", IN("float /* of */ x = /* is */ 1 /* end */") },
        { "statements end at a semicolon", IN("float x = 1; float y = 2;\nfloat z") },
        { "the last statement of a body with its end", "#usda 1.0\ndef \"A\" { float x = 1; }\ndef \"B\" { rel r;}\ndef \"C\" { def \"D\" { }\n}" },
        { "metadata and dictionaries close behind their last entry", "#usda 1.0\ndef \"A\" (customData = { int a = 1 }; kind = \"x\") { }\n" },
        { "variants of a set on one line", IN("variantSet \"v\" = { \"a\" { } \"b\" { int x; } }") },
        { "a comment behind a prim", "#usda 1.0\ndef \"A\" { def \"B\" { } # b\n} // a" },
        { "carriage returns alone", "#usda 1.0\rdef \"A\" { # a\r int x = 1\r string s = \"\"\"a\rb\"\"\"\r}\r" },
        { "carriage returns", "#usda 1.0\r\ndef \"A\" {\r\n  float x = 1\r\n}\r\n" },
        { "names in other scripts", "#usda 1.0\ndef \"\xc3\xa9l\xc3\xa9ment\" {\n float \xe5\x90\x8d:\xe5\x89\x8d = 1\n}\n" },
        { "marks and digits of other scripts inside names", "#usda 1.0\ndef \"a\xcc\x81\xd9\xa3\xc2\xb7\" {}\n" },
        { "types with dots", "#usda 1.0\ndef My.Own.Type \"A\" {}\n" },
        { "types with double colons", "#usda 1.0\ndef My::Type \"A\" {}\n" },
        { "spaces around the dots of a type", "#usda 1.0\ndef a . b.c::d \"A\" {}\n" },
        { "double colons in types of attributes and in fields", IN("My::Type x = bogus (\n my::field = 1\n)\n My::Type[] y") },
        { "block comments between words", "#usda 1.0\ndef /* a */ Xform /* b */\"A\" {}\n" },
        { "a block comment before a comma", IN("int[] x = [1 /* one */, 2]") },
        { "keywords as property names", IN("float def = 1\n rel rel = </A>\n token references = \"x\"\n int custom:timeSamples = 3") },
        { "custom before uniform", IN("custom uniform float x = 1") },
        { "config is an old word for uniform", IN("config float x = 1") },
        { "varying relationships", IN("varying rel r = </A>\n custom varying rel q") },
        { "an integer as a real", IN("int x = 1.9\n uint y = 1e3\n int64 z = -2.5") },
        { "a boolean as a number", IN("bool x = 2\n bool y = 0.0") },
        { "a boolean as a word", IN("bool a = YES\n bool b = no\n bool c = True\n bool d = FALSE") },
        { "a boolean as a string", IN("bool a = \"yes\"\n bool b = '0'") },
        { "infinities and nan, with and without quotes", IN("float a = inf\n double b = -inf\n half c = nan\n float d = \"inf\"\n double3 e = (\"-inf\", nan, 0)") },
        { "a real without digits on one side", IN("float a = 1.\n float b = .5\n float c = -.5e-3") },
        { "an integer too large for 64 bits is a real", IN("double x = 100000000000000000000") },
        { "an asset in quotes", IN("asset x = \"a.png\"") },
        { "an empty asset", IN("asset x = @@") },
        { "an asset with at signs", IN("asset x = @@@a@b@@@\n asset y = @@@a\\@@@b@@@@") },
        { "either quote, three of them over lines", IN("string a = 'x\"y'\n string b = '''x\n'y\"''' \n string c = \"\"\"\n\"\"\"") },
        { "escapes", IN("string a = \"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\\'\\q\\x41\\101\\0\"") },
        { "commas after the last item", IN("int[] a = [1, 2,]\n float3 b = (1, 2, 3,)\n rel r = [</A>,]\n matrix2d m = ((1, 2,), (3, 4,),)") },
        { "items on several lines", IN("int[] a = [\n 1, # one\n 2\n ]\n float3 b = (\n1,\n2,\n3\n)") },
        { "an empty array", IN("int[] a = []\n int[] b = [ ]") },
        { "a list of lists", IN("int[] a = [[1, 2], [3, 4]]") },
        { "None", IN("int a = None\n int[] b = None\n rel r = None\n float f.connect = None") },
        { "an animation block", IN("float a = AnimationBlock") },
        { "a type of before 2014", IN("Vec3f a = (1, 2, 3)\n Color[] c = [(1, 2, 3)]\n Transform t = ((1,0,0,0),(0,1,0,0),(0,0,1,0),(0,0,0,1))") },
        { "types without values", IN("opaque a\n group b") },
        { "a value of an unknown type", IN("wobble a = 3\n wobble[] b = [(1, \"x\"), @y@]\n wobble c.timeSamples = { 1: (2, 3) }") },
        { "a space before the brackets of an array type", IN("int [] a = [1]") },
        { "a dictionary", META("customData = { int a = 1; string 'b c' = \"x\"\n dictionary d = { float[] e = [] } }") },
        { "a key twice: the later counts", META("customData = { int a = 1; int a = 2 }") },
        { "samples", IN("float x.timeSamples = { 1: 2, -inf: 3, 1e3 : None, }\n float y . timeSamples = {}") },
        { "a bare string is the comment", META("\"about A\"") },
        { "doc", META("doc = 'x'") },
        { "metadata on one line", "#usda 1.0\ndef \"A\" (kind = \"group\"; hidden = true) {}\n" },
        { "a field nobody knows, of any shape", META("a = 1\n b = foo\n c = [1, \"x\", (2, 3)]\n d = { int e = 1 }\n f = None\n g = <A>\n h = (1, (2, 3))\n i = []") },
        { "a list edit of a field nobody knows", META("prepend a = [1, 2]\n append a = [\"x\"]\n delete b = None") },
        { "a field that belongs elsewhere", META("interpolation = 5\n metersPerUnit = \"x\"") },
        { "permission", META("permission = private") },
        { "a symmetry function, or none", META("symmetryFunction = f\n") },
        { "no symmetry function", META("symmetryFunction = \n") },
        { "a display unit", IN("float x = 1 (\n displayUnit = cm\n)") },
        { "substitutions", META("prefixSubstitutions = { \"$Left\": \"$Right\", 'a' : 'b' }") },
        { "references of every form", META("references = [@a@, @b@</B>, </C>, <>, @d@ (offset = 1; scale = 2),\n @e@</E> (customData = { int x = 1 })]") },
        { "one reference without brackets", META("references = @a@</B>") },
        { "no references at all", META("references = None\n payload = []") },
        { "payloads", META("payload = @a@\n") },
        { "edits of arcs", META("prepend references = @a@\n append payload = [@b@]\n add inherits = </B>\n delete specializes = </C>") },
        { "relative classes", META("inherits = <B>\n specializes = [<B/C>]") },
        { "selections, also from an expression", META("variants = { string v = \"a\"; string \"w x\" = \"`${Y}`\"; string z = \"\" }") },
        { "variant names", IN("variantSet \"v-1\" = {\n \".a|b-c\" {\n }\n \"\" (hidden = true) {\n }\n}") },
        { "relocations", LAYER("relocates = { </A/B>: </A/C>, </A/D>: <>, }") },
        { "relative relocations of a prim", META("relocates = { <B>: <C> }") },
        { "sublayers with offsets", LAYER("subLayers = [@a@ (offset = 1), @b@ (scale = 2; offset = 3),]") },
        { "targets that are properties", IN("rel r = [</A.x>, <.y>, <B.z:w>, <../B>]") },
        { "a target of a target", IN("rel r = </A.x[/B].y>") },
        { "edits of targets and connections", IN("prepend rel r = </A/B>\n delete float f.connect = [</A.x>]") },
        { "a relationship's old default", IN("rel r.default = </A>\n rel q[</B>]") },
        { "a second declaration", IN("custom float x = 1\n float x.timeSamples = { 1: 2 }\n float x.connect = </A.y>\n float x") },
        { "orders", "#usda 1.0\nreorder rootPrims = [\"B\", \"A\"]\ndef \"A\" {\n reorder nameChildren = [\"x\"]\n reorder properties = [\"a:b\", \"c\", \"c\"]\n}\n" },
        { "path expressions", IN("pathExpression e = \"//B & /C\"") },
        { "a curve with metadata behind samples", IN("float x.timeSamples = { 1: 2 }") },
        { "no edit of names", META("prepend apiSchemas = None\n apiSchemas = []\n clipSets = []\n variantSets = \"v\"") },
        { "parts of a knot on lines", IN("double x.spline = { bezier, pre:linear, post: sloped (1), loop: (0, 1, 2.0, 0, 0), 1: 5\n pre (1, 2); post held\n { int a = 1 }\n, 2 : 5 & 6 ; post curve (1, 2, autoEase); }") },
        { "a knot alone", IN("double x.spline = { 1: 5 }\n half y.spline = {\n}\n timecode z.spline = { 1: inf,\n }") },
        { "edits of arrays", "#usda 1.2\ndef \"A\" {\n int[] x = edit [ prepend 1; append [0]\n write [0] to [-1]; write 5 to [1]\n insert 2 at [0]\n erase [1]\n minsize 4\n minsize 4 fill 7; resize 9; resize 8 fill 1\n maxsize 100 ]\n"
                             " string[] s.timeSamples = { 1: edit [\n ], 2: [\"a\"], 3: None }\n int erase = 1\n int[] edit = edit [];\n}\n" },
        { "what an extrapolation loops", "#usda 1.3\ndef \"A\" {\n double x.spline = { pre: loop repeat(0), post: loop oscillate (1.5), }\n double y.spline = { pre: loop reset( -2 ) }\n}\n" },
        { "inner loops after a boundary is taken back", IN("double x.spline = { pre: loop repeat(1), pre: loop repeat, loop: (0, 1, 1, 1, 0) }") },
        { "durations", IN("duration d = 1.5\n duration[] e = [1]\n duration d.spline = { 1: 2; post held }") },
        { "targets of targets of targets", IN("rel r = [</A.x[/B.y[/C].z].w>, </A.x[B].y>]") },
        { "references that differ in customData", META("references = [@a@ (customData = { int a = 1 }), @a@ (customData = { int a = 2 })]") },
        { "an integer that is the lowest as a real", IN("int64 x = -9223372036854775809") },
        { "fields may be said twice", META("kind = \"a\"\n kind = \"b\"") },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        usd_stage *s;
        struct usd_error err;
        if (open_row(&rows[i], &s, &err) != USD_OK)
            fail_msg("%s: %s", rows[i].rule, err.message);
        usd_stage_close(&s);
    }
}

static void refused(void **state)
{
    static const struct row rows[] = {
        { "another major version", "#usda 2.0\n" },
        { "no frames per second", "#usda 1.0\n(framesPerSecond = 0)\n" },
        { "fewer than no frames per second", "#usda 1.0\n(framesPerSecond = -24)\n" },
        { "a version with a tail", "#usda 1.0x\n" },
        { "no version", "#usda \n" },
        { "another kind of text", "#sdf 1.4.32\n" },
        { "no space after def", "#usda 1.0\ndef\"A\" {}\n" },
        { "a name on the next line", "#usda 1.0\ndef\n\"A\" {}\n" },
        { "a value on the next line", IN("float x =\n 1") },
        { "metadata on the next line", IN("float x = 1\n (hidden = true)") },
        { "a comma between statements", META("customData = { int a = 1, int b = 2 }") },
        { "two semicolons", IN("float x = 1;;") },
        { "a body that closes behind an attribute", "#usda 1.0\ndef \"A\" { int x = 1 }\n" },
        { "a body that closes behind a relationship", "#usda 1.0\ndef \"A\" { rel r }\n" },
        { "a body that closes behind a prim", "#usda 1.0\ndef \"A\" { def \"B\" { } }\n" },
        { "a body that closes behind a prim and a semicolon", "#usda 1.0\ndef \"A\" { def \"B\" { }; }\n" },
        { "a body that closes behind an order", "#usda 1.0\ndef \"A\" { reorder properties = [\"a\"] }\n" },
        { "a body that closes behind a variant set", "#usda 1.0\ndef \"A\" { variantSet \"v\" = { \"a\" { } } }\n" },
        { "a variant that closes behind an attribute", IN("variantSet \"v\" = { \"a\" { int x = 1 } }") },
        { "a comment over two lines between statements", IN("int x = 1 /*\n*/ int y = 2") },
        { "a comment instead of a space", "#usda 1.0\ndef/* a */Xform \"A\" {}\n" },
        { "a semicolon after a prim", "#usda 1.0\ndef \"A\" {};\n" },
        { "two prims on a line", "#usda 1.0\ndef \"A\" {} def \"B\" {}\n" },
        { "a prim name that is none", "#usda 1.0\ndef \"A b\" {}\n" },
        { "a prim name with a colon", "#usda 1.0\ndef \"A:b\" {}\n" },
        { "a sign in a prim name", "#usda 1.0\ndef \"a\xe2\x82\xac\" {}\n" },
        { "a picture as a prim name", "#usda 1.0\ndef \"\xf0\x9f\x98\x80\" {}\n" },
        { "a mark at the start of a prim name", "#usda 1.0\ndef \"\xcc\x81" "a\" {}\n" },
        { "a digit of another script at the start of a name", IN("int \xd9\xa3 = 1") },
        { "a no-break space in a property name", IN("int a\xc2\xa0 = 1") },
        { "a dash in the name of a type", "#usda 1.0\ndef My\xe2\x80\x93Type \"A\" {}\n" },
        { "a sign in a path", IN("rel r = </a\xe2\x82\xac>") },
        { "a sign in the name of a variant", META("variants = { string v = \"\xe2\x82\xac\" }") },
        { "an empty prim name", "#usda 1.0\ndef \"\" {}\n" },
        { "a prim twice", "#usda 1.0\ndef \"A\" {}\nover \"A\" {}\n" },
        { "bytes that are not UTF-8 in a string", IN("string x = \"\xe9\"") },
        { "bytes that are not UTF-8 in a comment", "#usda 1.0\n# \xe9\n" },
        { "overlong UTF-8", IN("string x = \"\xc0\x80\"") },
        { "a colon and a digit", IN("int a:0") },
        { "a single colon in a type", IN("a:b x") },
        { "a single colon in a prim's type", "#usda 1.0\ndef a:b \"A\" {}\n" },
        { "a dot at the end of a prim's type", "#usda 1.0\ndef a. \"A\" {}\n" },
        { "two dots in a prim's type", "#usda 1.0\ndef a..b \"A\" {}\n" },
        { "a keyword as a prim's type", "#usda 1.0\ndef rel \"A\" {}\n" },
        { "a single colon in a field's name", META("foo:bar = 1") },
        { "a dictionary as an attribute", IN("dictionary d = {}") },
        { "a dictionary as an attribute without a value", IN("dictionary d") },
        { "uniform before custom", IN("uniform custom int x") },
        { "custom twice", IN("custom custom int x") },
        { "uniform twice", IN("uniform uniform int x") },
        { "uniform by both words", IN("config uniform int x") },
        { "varying before custom", IN("varying custom rel r") },
        { "varying twice", IN("varying varying rel r") },
        { "metadata behind samples", IN("int x.timeSamples = { 1: 2 } (doc = \"a\")") },
        { "metadata behind connections", IN("int x.connect = </A.y> (doc = \"a\")") },
        { "metadata behind edits of connections", IN("add int x.connect = </A.y> (doc = \"a\")") },
        { "a comma on the next line of an array", IN("int[] x = [1\n, 2]") },
        { "a comma behind a comment", IN("int[] x = [1 # one\n, 2]") },
        { "a comma on the next line of a tuple", IN("int2 x = (1\n, 2)") },
        { "a comma on the next line of a matrix", IN("matrix2d x = ((1, 2)\n, (3, 4))") },
        { "a comma on the next line of targets", IN("rel r = [</A>\n, </B>]") },
        { "a comma on the next line of samples", IN("int x.timeSamples = { 1: 2\n, 2: 3 }") },
        { "a comma on the next line of names", IN("reorder properties = [\"a\"\n, \"b\"]") },
        { "a comma on the next line of references", META("references = [@a@\n, @b@]") },
        { "a comma on the next line of schemas", META("apiSchemas = [\"A\"\n, \"B\"]") },
        { "a comma on the next line of substitutions", META("prefixSubstitutions = { \"a\": \"b\"\n, \"c\": \"d\" }") },
        { "a comma on the next line of a field nobody knows", META("foo = [1\n, 2]") },
        { "a comma on the next line of sublayers", LAYER("subLayers = [@a@\n, @b@]") },
        { "a comma on the next line of relocations", LAYER("relocates = { </A/B>: </A/C>\n, </A/D>: </A/E> }") },
        { "no variant sets", META("variantSets = []") },
        { "None of the variant sets", META("variantSets = None") },
        { "an edit without variant sets", META("add variantSets = []") },
        { "an order of no root prims", "#usda 1.0\nreorder rootPrims = []\n" },
        { "an order of None", "#usda 1.0\nreorder rootPrims = None\n" },
        { "an order of no children", IN("reorder nameChildren = []") },
        { "an order of no properties", IN("reorder properties = None") },
        { "an edit without schemas", META("prepend apiSchemas = []") },
        { "an edit without clip sets", META("add clipSets = []") },
        { "an edit of no list", META("add foo = 1") },
        { "an edit without items", META("add foo = [ ]") },
        { "a dictionary of an unknown type", IN("foo x = {}") },
        { "a keyword as a value", IN("foo x = def") },
        { "a keyword as a field's value", META("foo = def") },
        { "a path in a list", META("foo = [</A>]") },
        { "a dictionary in a list", META("foo = [{ int a = 1 }]") },
        { "a list in a tuple", META("foo = ([1])") },
        { "an empty tuple", META("foo = ()") },
        { "an empty list over two lines of a field nobody knows", META("foo = [\n]") },
        { "an empty list in a list", META("foo = [[]]") },
        { "samples of an opaque type", IN("opaque x.timeSamples = { 1: 2 }") },
        { "a time in quotes", IN("int x.timeSamples = { \"inf\": 2 }") },
        { "an offset in quotes", META("references = @a@ (offset = \"inf\")") },
        { "a carriage return in a short string", IN("string x = \"a\rb\"") },
        { "a tangent right behind the word", IN("double x.spline = { 1: 5; post curve(1, 2), }") },
        { "a tangent right behind pre", IN("double x.spline = { 1: 5; pre(1, 2), }") },
        { "a tangent without a word", IN("double x.spline = { 1: 5; post (1, 2), }") },
        { "a knot on a line without a comma", IN("double x.spline = {\n 1: 5\n}") },
        { "a semicolon and no part of a knot", IN("double x.spline = { 1: 5; }") },
        { "a new line before a knot's colon", IN("double x.spline = { 1\n: 5, }") },
        { "a new line in a tangent", IN("double x.spline = { 1: 5; pre (1,\n2), }") },
        { "a new line in an extrapolation", IN("double x.spline = { pre:\nlinear, }") },
        { "a plus sign in a spline", IN("double x.spline = { 1: +5, }") },
        { "half a loop", IN("double x.spline = { loop: (1, 2, 1.5, 4, 5), }") },
        { "a tangent without an algorithm's name", IN("double x.spline = { 1: 5; pre (1, 2, none), }") },
        { "a tangent without numbers", IN("double x.spline = { 1: 5; pre (autoEase), }") },
        { "a tangent's algorithm before its slope", IN("double x.spline = { 1: 5; pre (autoEase, 1), }") },
        { "a form of tangents", IN("double x.spline = { 1: 5; pre foo (1, 2), }") },
        { "a spline of integers", IN("int x.spline = { 1: 5, }") },
        { "a spline of an array", IN("double[] x.spline = { 1: 5, }") },
        { "an array edit of a scalar", IN("int x = edit [ append 1 ]") },
        { "an array edit that is none", IN("int[] x = edit [ remove 1 ]") },
        { "two array edits on a line", IN("int[] x = edit [ append 1 append 2 ]") },
        { "a comma between array edits", IN("int[] x = edit [ append 1, append 2 ]") },
        { "a value of another type in an array edit", IN("int[] x = edit [ append \"a\" ]") },
        { "an array edit without a place", IN("int[] x = edit [ write 1 to 2 ]") },
        { "an array edit to a bad place", IN("int[] x = edit [ erase [a] ]") },
        { "an array edit to a lower size than none", IN("int[] x = edit [ resize -1 ]") },
        { "a largest size with a value", IN("int[] x = edit [ maxsize 1 fill 2 ]") },
        { "an extrapolation that loops from a knot beside inner loops", IN("double x.spline = { pre: loop repeat(0), loop: (0, 16, 0, 2, 5), 0: 1 }") },
        { "inner loops beside an extrapolation that loops to a knot", IN("double x.spline = { loop: (0, 16, 0, 2, 5), post: loop reset(1) }") },
        { "an extrapolation that loops in two brackets", IN("double x.spline = { pre: loop repeat(1)(2), }") },
        { "a relational target as a target", IN("rel r = </A.x[/B]>") },
        { "an empty target in a path", IN("rel r = </A.x[].y>") },
        { "a bad target in a path", IN("rel r = </A.x[/1].y>") },
        { "brackets that do not close in a path", IN("rel r = </A.x[/B.y[/C].y>") },
        { "a substitution of nothing", META("prefixSubstitutions = { \"\": \"a\" }") },
        { "varying attributes", IN("varying float x") },
        { "uniform relationships", IN("uniform rel r") },
        { "a keyword as a type", IN("references x") },
        { "uniform in one declaration only", IN("uniform float x = 1\n float x.timeSamples = {}") },
        { "two types", IN("float x\n double x") },
        { "a word as a number", IN("float x = one") },
        { "a word as an integer", IN("int x = true") },
        { "a word that is no boolean", IN("bool x = on") },
        { "a plus sign", IN("float x = +1") },
        { "a sign before nan", IN("float x = -nan") },
        { "infinity by its full name", IN("float x = infinity") },
        { "an exponent without digits", IN("float x = 1e") },
        { "an integer out of range", IN("int x = 2147483648") },
        { "a negative unsigned integer", IN("uint64 x = -1") },
        { "an infinite integer", IN("int x = inf") },
        { "a byte out of range", IN("uchar x = 256") },
        { "a number as a string", IN("string x = 1") },
        { "a word as a token", IN("token x = abc") },
        { "an asset as a string", IN("string x = @a@") },
        { "a tuple for a scalar", IN("float x = (1)") },
        { "a scalar for a tuple", IN("float2 x = 1") },
        { "too few in a tuple", IN("float3 x = (1, 2)") },
        { "too many in a tuple", IN("float2 x = (1, 2, 3)") },
        { "a flat matrix", IN("matrix2d x = (1, 2, 3, 4)") },
        { "a list for a scalar", IN("float x = [1]") },
        { "a scalar for a list", IN("float[] x = 1") },
        { "an empty list over two lines", IN("float[] x = [\n]") },
        { "a value of an opaque type", IN("opaque x = 1") },
        { "a string over two lines", IN("string x = \"a\nb\"") },
        { "an escaped end of line in a short string", IN("string x = \"a\\\nb\"") },
        { "four quotes at the end", IN("string x = \"\"\"a\"\"\"\"") },
        { "an asset over two lines", IN("asset x = @a\nb@") },
        { "a control character in an asset", IN("asset x = @a\tb@") },
        { "None in a dictionary", META("customData = { int a = None }") },
        { "an unknown type in a dictionary", META("customData = { wobble a = 1 }") },
        { "a namespace in a dictionary's key", META("customData = { int a:b = 1 }") },
        { "an array of dictionaries", META("customData = { dictionary[] a = [] }") },
        { "samples without times", IN("float x.timeSamples = [1]") },
        { "semicolons between samples", IN("float x.timeSamples = { 1: 2; 3: 4 }") },
        { "a list edit of samples", IN("prepend float x.timeSamples = { 1: 2 }") },
        { "a list edit of a value", IN("prepend float x = 1") },
        { "an unknown part of an attribute", IN("float x.wobble = 1") },
        { "comment as a key", META("comment = \"x\"") },
        { "a field that is no metadata", META("specifier = \"x\"") },
        { "a keyword as a key", META("offset = 1") },
        { "layer fields on a prim", META("subLayers = [@a@]") },
        { "prim fields on a layer", LAYER("kind = \"group\"") },
        { "customData on a layer", LAYER("customData = {}") },
        { "arcs on an attribute", IN("float x (\n references = @a@\n)") },
        { "None for a field that has a type", META("active = None") },
        { "a value of another type than the field has", META("hidden = \"maybe\"") },
        { "a schema without brackets", META("apiSchemas = \"A\"") },
        { "a permission that is none", META("permission = secret") },
        { "a display unit that is none", IN("float x (\n displayUnit = parsec\n)") },
        { "an empty asset path in an arc", META("references = @@</A>") },
        { "a variant selection in the path of a reference", META("references = @a@</B{v=x}C>") },
        { "a variant selection in the path of a payload", META("payload = @a@</B{v=x}>") },
        { "a variant selection in the path of a class", META("inherits = </B{v=x}C>") },
        { "a variant selection in the path of a specialized prim", META("specializes = </B{v=x}C>") },
        { "a relative path in a reference", META("references = @a@<B>") },
        { "a property in a reference", META("references = @a@</B.c>") },
        { "customData on a payload", META("payload = @a@ (customData = {})") },
        { "an offset that is no number", META("references = @a@ (offset = x)") },
        { "None in a list edit", META("prepend references = None") },
        { "an empty list edit", IN("prepend rel r = []") },
        { "a class that is a property", META("inherits = </B.c>") },
        { "the root as a class", META("inherits = </>") },
        { "an item twice", META("references = [@a@, @a@]") },
        { "a target twice", IN("rel r = [</A>, </A>]") },
        { "the root as a target", IN("rel r = </>") },
        { "no target at all", IN("rel r = <>") },
        { "a variant in a target", IN("rel r = </A{v=x}B>") },
        { "a variant in a connection", IN("float f.connect = </A{v=x}.f>") },
        { "dots inside a path", IN("rel r = </A/../B>") },
        { "a path that ends in a slash", IN("rel r = </A/>") },
        { "a path that climbs out", IN("rel r = <../../../B>") },
        { "a path with a bad name", IN("rel r = </1A>") },
        { "a colon in a prim's path", IN("rel r = </A:b>") },
        { "the root as a relocation", LAYER("relocates = { </>: </B> }") },
        { "a relocation of a property", LAYER("relocates = { </A.x>: </A.y> }") },
        { "a relocation with a variant", LAYER("relocates = { </A{v=x}B>: </A/C> }") },
        { "a relocation of nothing", LAYER("relocates = { <>: </B> }") },
        { "a selection that is no string", META("variants = { int v = 1 }") },
        { "a selection that is no name", META("variants = { string v = \"a b\" }") },
        { "a bad name of a variant set", META("variantSets = \"a b\"") },
        { "a bad name of a variant", IN("variantSet \"v\" = {\n \"a b\" {\n }\n}") },
        { "a list edit of a field that is no list", META("prepend kind = [\"x\"]") },
        { "an unclosed layer", "#usda 1.0\ndef \"A\" {\n" },
        { "text after the last prim", "#usda 1.0\ndef \"A\" {}\n}\n" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        usd_stage *s;
        struct usd_error err;
        int rc = open_row(&rows[i], &s, &err);
        if (rc == USD_OK)
            fail_msg("%s: is read", rows[i].rule);
        assert_null(s);
        assert_true(*err.message);
    }
}

static void zero_bytes(void **state)
{
    static const char text[] = "#usda 1.0\ndef \"A\" {\n string x = \"a\0b\"\n}\n";
    usd_stage *s;
    struct usd_error err;
    assert_int_equal(usd_stage_open_string(text, sizeof(text) - 1, NULL, NULL, NULL, &s, &err), USD_ERR_SYNTAX);
    assert_int_equal(err.line, 3);
}

static double doubles(usd_stage *s, const char *path)
{
    double d = -12345;
    assert_true(usd_attr_get_double(usd_stage_find_property(s, path), NAN, &d));
    return d;
}

// What the forms above mean.
static void meanings(void **state)
{
    usd_stage *s = open_text(IN("int a = -1.9\n uint b = 1e3\n bool c = 'Yes'\n int[] d = [[1, 2], [3, 4]]\n string e = \"\\x41\\x142\\101z\\u0041\"\n"
                                " asset f = \"x.png\"\n uint64 g = 18446744073709549568.0\n wobble h = (1, 2)\n int64 i = -9223372036854775808.0\n"
                                " float x = 3\n rel r = [<.>, <.x>, <B/C.y:z>]\n Vec2f[] v = [(1, 2)]\n"));
    assert_true(doubles(s, "/A.a") == -1 && doubles(s, "/A.b") == 1000 && doubles(s, "/A.c") == 1);
    struct usd_value v;
    assert_true(usd_attr_get(usd_stage_find_property(s, "/A.d"), NAN, &v) && v.count == 4 && ((const int32_t *)v.data)[3] == 4);
    usd_value_finish(&v);
    assert_string_equal(token(s, "/A.e"), "ABAzu0041"); // of hexadecimal digits the last two count
    struct usd_asset a;
    assert_true(usd_attr_get_asset(usd_stage_find_property(s, "/A.f"), NAN, &a));
    assert_string_equal(a.authored, "x.png");
    assert_true(usd_attr_get(usd_stage_find_property(s, "/A.g"), NAN, &v) && *(const uint64_t *)v.data == 18446744073709549568u);
    usd_value_finish(&v);
    assert_true(usd_attr_get(usd_stage_find_property(s, "/A.i"), NAN, &v) && *(const int64_t *)v.data == INT64_MIN);
    usd_value_finish(&v);
    assert_false(usd_attr_get(usd_stage_find_property(s, "/A.h"), NAN, &v)); // there, but nothing can be done with it
    assert_string_equal(usd_property_type_name(usd_stage_find_property(s, "/A.h")), "wobble");
    const usd_property *r = usd_stage_find_property(s, "/A.r");
    assert_string_equal(usd_rel_target(r, 0), "/A");
    assert_string_equal(usd_rel_target(r, 1), "/A.x");
    assert_string_equal(usd_rel_target(r, 2), "/A/B/C.y:z");
    assert_true(usd_attr_get(usd_stage_find_property(s, "/A.v"), NAN, &v) && v.type == USD_TYPE_FLOAT2 && v.is_array);
    usd_value_finish(&v);
    usd_stage_close(&s);

    s = open_text(META("customData = { int a = 1; int a = 2 }\n variants = { string v = \"x\" }\n variants = { string w = \"y\" }"));
    assert_true(usd_prim_metadata(prim(s, "/A"), "customData", &v));
    assert_int_equal(v.count, 1);
    assert_int_equal(*(const int32_t *)usd_dict_find(&v, "a")->data, 2);
    usd_value_finish(&v);
    usd_stage_close(&s);
}

// What nothing else asks for is still there when a layer is printed.
static void printed(void **state)
{
    static const struct {
        const char *text, *wants;
    } rows[] = {
        { "#usda 1.2\ndef \"A\" {\n int[] x = edit [ append 1 ]\n}\n", "#usda 1.2\n" },
        { "#usda 1.2\ndef \"A\" {\n int[] x = edit [ append 1; erase [0] ] (doc = \"a\")\n}\n", "    int[] x = edit [ append 1; erase [0] ] (" },
        { "#usda 1.2\ndef \"A\" {\n uniform int[] x.timeSamples = { 1: edit [ append 1 ], 0: [2] }\n}\n", "    uniform int[] x.timeSamples = { 1: edit [ append 1 ], 0: [2] }\n" },
        { IN("double x.spline = { pre: loop reset(3), post: loop repeat, 0: 1 }"), "#usda 1.3\n" },
        { IN("double x.spline = { pre: loop reset(3), post: loop repeat, 0: 1 }"), "pre: loop reset(3),\n        post: loop repeat,\n" },
        { IN("double x.spline = { 0: 1 }"), "#usda 1.0\n" },
        { IN("double x.spline = { 0: 1; post curve (1, 2, autoEase) }"), "#usda 1.1\n" },
        { IN("double x.spline = { 0: 1; post curve (1, 2, autoEase); post linear }"), "0: 1; post linear (1, 2, autoEase),\n" },
        { IN("double x.spline = { 0: 1; post linear (0, custom) }"), "#usda 1.1\n" },
        { IN("double x.spline = { 0: 1; post linear (0, 0, custom) }"), "0: 1; post linear (0, 0, custom),\n" },
        { IN("double x.spline = { 0: 1; pre (0, 0, custom); pre (0, 0) }"), "0: 1; post held,\n" },
        { IN("duration d = 2"), "duration d = 2\n" },
        { META("delete foo = [10,20]\n append foo = [a, (1, 2)]"), "    append foo = [a, (1, 2)]\n    delete foo = [10,20]\n" },
        { META("prepend foo = ['x', 1]"), "prepend foo = ['x', 1]\n" },
        { META("prepend foo = ['x']"), "prepend foo = [\"x\"]\n" },
        { META("customData = { pathExpression a = \"/x\"; pathExpression[] b = []; string c = \"/x\" }"), "pathExpression a = \"/x\"\n        pathExpression[] b = []\n        string c" },
        { META("references = @a@ (offset = 1; customData = { int x = 1 })"), "@a@ (offset = 1; customData = {\n        int x = 1\n    })\n" },
        { IN("my::type x = bogus (\n my::field = 3\n)"), "my::type x = bogus (\n        my::field = 3\n" },
        { "#usda 1.0\ndef a . b \"A\" {}\n", "def a.b \"A\"\n" },
        { IN("rel r = </A.x[/B.y[/C].z].w>"), "rel r = </A.x[/B.y[/C].z].w>\n" },
        { META("apiSchemas = []"), "apiSchemas = []\n" },
        { META("foo = [1, -0]"), "foo = [1, -0]\n" },
        { META("foo = -0"), "foo = -0\n" },
    };
    struct folder f = make_folder();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct short_text text = { .n = 0 };
        struct usd_error err;
        usd_stage *s;
        if (usd_layer_write(write_file(&f, "a.usda", rows[i].text), NULL, collect_text, &text, &err) != USD_OK)
            fail_msg("row %zu: %s", i, err.message);
        if (!strstr(text.b, rows[i].wants))
            fail_msg("row %zu: '%s' is not in\n%s", i, rows[i].wants, text.b);
        struct row again = { "", text.b };
        if (open_row(&again, &s, &err) != USD_OK)
            fail_msg("row %zu: %s", i, err.message);
        usd_stage_close(&s);
    }
    remove_folder(&f);
}

// An edit of an array hides nothing, and there is a word about it.
static void array_edits(void **state)
{
    usd_stage *s = open_text("#usda 1.2\nclass \"C\" { int[] x = [1, 2]\n int[] y = [3]; }\ndef \"A\" ( inherits = </C> ) {\n int[] x = edit [ append 3 ]\n"
                             " int[] y.timeSamples = { 1: [4], 2: edit [ append 5 ] }\n}\n");
    struct usd_value v;
    assert_true(usd_attr_get(usd_stage_find_property(s, "/A.x"), 1, &v) && v.count == 2);
    usd_value_finish(&v);
    assert_true(usd_attr_get(usd_stage_find_property(s, "/A.y"), 1, &v) && v.count == 1 && *(const int32_t *)v.data == 3);
    usd_value_finish(&v);
    assert_int_equal(usd_stage_diagnostic_count(s), 2);
    assert_int_equal(usd_stage_diagnostic(s, 0)->code, USD_ERR_UNSUPPORTED);
    assert_non_null(strstr(usd_stage_diagnostic(s, 1)->message, "/A.y: edits of arrays are not applied"));
    usd_stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(accepted), cmocka_unit_test(refused), cmocka_unit_test(zero_bytes), cmocka_unit_test(meanings),
                                       cmocka_unit_test(printed),  cmocka_unit_test(array_edits) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
