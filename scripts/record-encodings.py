"""Records the machine code that GNU as makes of the instructions our assemblers know.

    python scripts/record-encodings.py [--out test/golden/encodings.json]

Needs as and objcopy of GNU binutils 2.40 or later. Run it by hand; the tests need neither. The file maps each line, in
Intel's syntax, to its bytes in hexadecimal: under "encodings" those of AVX-512 and of the general registers, under
"vex" those of AVX2. test/golden/encodings.test.ts and encodings-vex.test.ts build the same lines out of calls of the
assemblers, so a line that one side lacks fails the test. Where as prefers a shorter encoding than ours (`cmp rax, 1000`,
`imul r9, r9, 3`) src/native/assembler.test.ts runs the code instead, and the line is not here.
"""

import argparse
import json
import struct
import subprocess
import tempfile
from datetime import date
from pathlib import Path

GENERAL = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
REGISTERS = [(1, 2, 3), (9, 10, 11), (17, 25, 31), (30, 7, 12)]
PLACES = ["[rbx+64]", "[r13+r12*8-256]"]

# Every op in EVEX: how many elements a broadcast fills (0: it has none), and its immediate.
SCALAR = ("vsqrtss", "vdivss")
THREE = {
    **dict.fromkeys("vaddps vmulps vsubps vminps vdivps vmaxps".split(), (16, None)),
    **dict.fromkeys("vfmadd132ps vfmadd213ps vfmadd231ps vfnmadd213ps vfnmadd231ps".split(), (16, None)),
    **dict.fromkeys("vpxord vpandd vpord vpaddd vpsubd vpmulld vpminsd".split(), (16, None)),
    **dict.fromkeys("vblendmps vpermps vscalefps vunpcklps vunpckhps".split(), (16, None)),
    **dict.fromkeys("vcvtne2ps2bf16 vdpbf16ps".split(), (16, None)),
    **dict.fromkeys("vunpcklpd vunpckhpd vaddpd vmulpd vsubpd vdivpd".split(), (8, None)),
    "vpermw": (0, None),
    "vshuff32x4": (16, 0xDD),
    "vrangeps": (16, 2),
    **dict.fromkeys(SCALAR, (0, None)),
}
TWO = {
    **dict.fromkeys("vsqrtps vgetexpps vcvttps2dq vcvtdq2ps".split(), (16, None)),
    "vsqrtpd": (8, None),
    "vmovups": (0, None),
    "vbroadcastss": (0, None),
    "vrndscaleps": (16, 8),
    "vgetmantps": (16, 4),
    "vpermilps": (16, 0xB1),
    "vpslld": (16, 23),
    "vpsrld": (16, 16),
}


def vectors():
    for op, (elements, immediate) in [*THREE.items(), *TWO.items()]:
        tail = "" if immediate is None else f", {immediate}"
        own = "xmm" if op in SCALAR else "zmm"
        source = "xmm" if op == "vbroadcastss" else own
        shown = f"{{evex}} {op}" if op in SCALAR else op

        def line(dst, first, second):
            between = f"{own}{first}, " if op in THREE else ""
            return f"{shown} {own}{dst}, {between}{second}{tail}"

        for dst, first, second in REGISTERS:
            yield line(dst, first, f"{source}{second}")
        yield line("5{k1}", 6, f"{source}7")
        yield line("29{k7}{z}", 14, f"{source}22")
        for place in PLACES:
            yield line(18, 26, place)
        if elements > 0:
            yield line(3, 20, f"[rcx+{64 // elements}]{{1to{elements}}}")
    for place in PLACES:
        yield f"{{evex}} vmovss xmm18, {place}"
        yield f"{{evex}} vmovss {place}, xmm18"
        yield f"vmovups {place}, zmm18"
        yield from (f"vmovups {place}, ymm18", f"vbroadcastsd zmm18, {place}", f"vcvtps2pd zmm18, {place}")
    for dst, source in ((1, 2), (9, 25), (30, 12)):
        yield from (f"vbroadcastsd zmm{dst}, xmm{source}", f"vcvtps2pd zmm{dst}, ymm{source}")
        yield f"vcvtpd2ps ymm{dst}, zmm{source}"


def tiles():
    for place in ("[rdi]", "[r12+64]", "[rsp-8]"):
        yield f"ldtilecfg {place}"
    words = "1, 0, 0, 0, 4194368, 4194368, 4194368, 4194368, 0, 0, 0, 0, 269488144, 269488144, 0, 0"
    yield f"ldtilecfg [rip+1f]; .balign 64, 0x90; 1: .long {words}"
    yield from ("tilerelease", "tilezero tmm0", "tilezero tmm7")
    for place in ("[rdi+rdx*1]", "[r11+r8*1+1024]", "[rcx+r13*1-64]", "[r15+rdx*1+1000000]"):
        yield from (f"tileloadd tmm{tile}, {place}" for tile in (0, 5))
        yield from (f"tilestored {place}, tmm{tile}" for tile in (3, 6))
    yield from (f"tdpbf16ps tmm{c}, tmm{a}, tmm{b}" for c, a, b in ((0, 4, 6), (3, 5, 7), (7, 1, 2)))


def displacements():
    for base in "rax rsp rbp r12 r13".split():
        for disp in ("", "+64", "-8192", "+8128", "+8192", "+68", "+1000000"):
            yield f"vaddps zmm1, zmm2, [{base}{disp}]"
        for disp in ("", "+4", "-512", "+508", "+512", "+6"):
            yield f"vaddps zmm1, zmm2, [{base}{disp}]{{1to16}}"
            yield f"vbroadcastss zmm1, [{base}{disp}]"
        for index in "rax rbp r12 r13".split():
            yield f"vaddps zmm1, zmm2, [{base}+{index}*4+128]"
            yield f"mov rcx, [{base}+{index}*1]"
        for disp in ("", "+8", "-128", "+127", "+128", "-129", "+1000000"):
            yield f"mov rcx, [{base}{disp}]"


def vector_calls():
    yield from ("vmovups zmm4, [rsi+64]", "vmovups zmm20{k2}{z}, [rsi+64]", "vmovups [rdi+64], zmm20")
    yield from ("vmovups [rdi]{k3}, zmm4", "vmovups zmm4, zmm28", "vbroadcastss zmm19, [r9+8]")
    yield from ("vbroadcastss zmm19, xmm27", "vpxord zmm23, zmm23, zmm23")
    yield from ("{evex} vmovss xmm2, [r8+4]", "{evex} vmovss [r8+4], xmm21")
    for how in (0, 1, 4, 0x1E, 0x1D):
        yield f"vcmpps k2, zmm3, zmm20, {how}"
    yield from ("vcmpps k7, zmm30, [rsi+64], 1", "kmovw k1, eax", "kmovw k7, edi", "mov eax, 8191; kmovw k5, eax")
    yield from ("kmovw eax, k1", "kmovw edi, k7", "bsf eax, eax", "bsf edi, edi")
    yield (
        "vcmpps k2, zmm30, zmm7, 30; vpxord zmm20, zmm20, zmm20; vblendmps zmm20{k2}, zmm20, [rip+1f]{1to16}; "
        ".balign 4, 0x90; 1: .float 1"
    )
    yield "vcmpps k2, zmm3, zmm30, 0; kmovw edx, k2"


def generals():
    pairs = [("rax", "rbx"), ("r9", "rdi"), ("rsp", "r15"), ("r8", "r12")]
    places = ["[rbx+8]", "[rsp+16]", "[r13]", "[r12+r14*8-4096]", "[rsi+rax*2]"]
    for to, other in pairs:
        yield from (f"{op} {to}, {other}" for op in ("mov", "add", "sub", "cmp"))
    for register in GENERAL:
        yield from (f"push {register}", f"pop {register}")
    for register, narrow in (("rdx", "edx"), ("r10", "r10d")):
        for place in places:
            yield from (f"mov {register}, {place}", f"mov {place}, {register}", f"lea {register}, {place}")
            yield from (f"movsxd {register}, dword ptr {place}", f"mov {place}, {narrow}")
        for value in (1, 127, -128, 128, -129, 1000000):
            yield from (f"add {register}, {value}", f"cmp {register}, {value}")
        yield from (f"imul {register}, {register}, {value}" for value in (1000, -70000))
        yield from (f"mov {narrow}, {value}" for value in (0, 2147483647))
        yield from (f"movabs {register}, {value}" for value in (2147483648, 2**40, 2**53 - 1, -5, -(2**40)))
    for place in places:
        yield from (f"prefetcht0 {place}", f"prefetcht1 {place}")
    yield "ret"
    yield "vzeroupper"


def programs():
    for jump in "jmp jl jne je jge jb jae call".split():
        yield f"nop; {{disp32}} {jump} 1f; nop; 1: ret"
        yield f"nop; 1: ret; {{disp32}} {jump} 1b; nop"
    yield "lea rdx, [rip+1f]; nop; 1: ret"
    yield "1: nop; lea r11, [rip+1b]; ret"
    yield (
        "vaddps zmm17, zmm2, [rip+1f]{1to16}; vrndscaleps zmm3, [rip+2f]{1to16}, 8; {evex} vmovss xmm3, [rip+1f]; "
        "movsxd r9, dword ptr [rip+2f]; ret; .balign 4, 0x90; 1: .float 2.5; 2: .float -1"
    )


# Every op in VEX, with what stands behind its sources.
VEX_THREE = {
    **dict.fromkeys("vaddps vmulps vsubps vminps vdivps vmaxps".split(), ""),
    **dict.fromkeys("vfmadd132ps vfmadd213ps vfmadd231ps vfnmadd213ps vfnmadd231ps".split(), ""),
    **dict.fromkeys("vpxor vpand vpor vpaddd vpsubd vpmulld vpminsd vpermps".split(), ""),
    **dict.fromkeys("vunpcklps vunpckhps vunpcklpd vunpckhpd vaddpd vmulpd vsubpd vdivpd".split(), ""),
    **dict.fromkeys(SCALAR, ""),
    "vblendps": ", 90",
    "vblendvps": ", ymm12",
    "vcmpps": ", 30",
    "vperm2f128": ", 49",
}
VEX_TWO = {
    **dict.fromkeys("vmovups vbroadcastss vsqrtps vsqrtpd vcvttps2dq vcvtdq2ps vcvtps2dq".split(), ""),
    "vroundps": ", 8",
    "vpermilps": ", 177",
}
VEX_REGISTERS = [(1, 2, 3), (9, 2, 3), (1, 10, 3), (1, 2, 11), (15, 14, 13)]


def vex_vectors():
    for op, tail in [*VEX_THREE.items(), *VEX_TWO.items()]:
        own = "xmm" if op in SCALAR else "ymm"
        source = "xmm" if op == "vbroadcastss" else own
        # Between registers as would store where that is shorter.
        shown = f"{{load}} {op}" if op == "vmovups" else op

        def line(dst, first, second):
            between = f"{own}{first}, " if op in VEX_THREE else ""
            return f"{shown} {own}{dst}, {between}{second}{tail}"

        for dst, first, second in VEX_REGISTERS:
            yield line(dst, first, f"{source}{second}")
        for place in PLACES:
            yield from (line(1, 2, place), line(9, 10, place))
    for dst, _, second in VEX_REGISTERS:
        yield from (f"vpslld ymm{dst}, ymm{second}, 23", f"vpsrad ymm{dst}, ymm{second}, 23")
        yield from (f"vbroadcastsd ymm{dst}, xmm{second}", f"vcvtps2pd ymm{dst}, xmm{second}")
        yield f"vcvtpd2ps xmm{dst}, ymm{second}"
    for to in ("eax", "edi"):
        yield from (f"vmovmskps {to}, ymm3", f"vmovmskps {to}, ymm11")
    for place in PLACES:
        for register, mask in ((1, 2), (9, 10)):
            yield from (f"vmovss xmm{register}, {place}", f"vmovss {place}, xmm{register}")
            yield from (f"vmovups {place}, ymm{register}", f"vmovups {place}, xmm{register}")
            yield from (f"vbroadcastsd ymm{register}, {place}", f"vcvtps2pd ymm{register}, {place}")
            yield f"vmaskmovps ymm{register}, ymm{mask}, {place}"
            yield f"vmaskmovps {place}, ymm{mask}, ymm{register}"


def vex_displacements():
    for base in "rax rsp rbp r12 r13".split():
        for disp in ("", "+64", "-128", "+127", "+128", "-129", "+1000000"):
            yield f"vaddps ymm1, ymm2, [{base}{disp}]"
            yield f"vbroadcastss ymm9, [{base}{disp}]"
        for index in "rax rbp r12 r13".split():
            yield f"vaddps ymm1, ymm2, [{base}+{index}*4+128]"
            yield f"vpmulld ymm9, ymm10, [{base}+{index}*1]"


def behind(words):
    """The directives that put eight numbers behind the code."""
    return ".balign 32, 0x90; 1: " + words


def first(lanes):
    return behind(".long " + ", ".join("-1" if lane < lanes else "0" for lane in range(8)))


def all_lanes(value):
    return behind(".float " + ", ".join([value] * 8))


def vex_calls():
    yield from ("vmovups ymm4, [rsi+64]", "vmovups [rdi+64], xmm12", "vmovups [rdi+64], ymm12", "{load} vmovups ymm4, ymm12")
    yield from ("vbroadcastss ymm9, [r9+8]", "vbroadcastss ymm9, xmm7", "vpxor ymm13, ymm13, ymm13")
    yield from ("vmovss xmm2, [r8+4]", "vmovss [r8+4], xmm11")
    # Under a mask, of which the bits stand behind the code.
    yield f"vmovups ymm4, [rip+1f]; vmaskmovps ymm4, ymm4, [rsi+64]; {first(5)}"
    yield f"vmovups ymm15, [rip+1f]; vmaskmovps [rdi+64], ymm15, ymm4; {first(3)}"
    yield "vblendps ymm4, ymm4, ymm9, 31"
    yield f"vpand ymm9, ymm4, [rip+1f]; {first(7)}"
    yield f"vmovups ymm15, [rip+1f]; vmaskmovps ymm15, ymm15, [rsi+64]; vblendps ymm4, ymm4, ymm15, 31; {first(5)}"
    yield "vaddps ymm15, ymm2, ymm3; vblendps ymm1, ymm1, ymm15, 1"
    yield f"vaddps ymm15, ymm2, ymm3; vpand ymm1, ymm15, [rip+1f]; {first(1)}"
    load = "vmovups ymm15, [rip+1f]; vmaskmovps ymm15, ymm15, [rsi+64]"
    yield f"{load}; vmulps ymm15, ymm12, ymm15; vblendps ymm9, ymm9, ymm15, 127; {first(7)}"
    yield f"{load}; vroundps ymm15, ymm15, 8; vpand ymm9, ymm15, [rip+1f]; {first(7)}"
    # One element for all lanes.
    yield "vbroadcastss ymm15, [rcx+4]; vaddps ymm3, ymm12, ymm15"
    yield "vbroadcastss ymm15, [rcx+4]; vsubps ymm15, ymm12, ymm15; vblendps ymm3, ymm3, ymm15, 3"
    yield f"vaddps ymm3, ymm12, [rip+1f]; {all_lanes('2.5')}"
    yield f"vaddps ymm15, ymm12, [rip+1f]; vblendps ymm3, ymm3, ymm15, 3; {all_lanes('-0.5')}"
    # Comparisons.
    yield f"vcmpps ymm9, ymm2, ymm13, 30; vpand ymm9, ymm9, [rip+1f]; {all_lanes('1')}"
    yield "vcmpps ymm15, ymm2, ymm13, 0; vmovmskps edx, ymm15"
    yield (
        "vbroadcastss ymm1, [rip+2f]; vaddps ymm9, ymm2, [rip+1f]; vroundps ymm3, [rip+1f], 8; vmovss xmm3, [rip+3f]; "
        f"ret; {all_lanes('2.5')}; 2: .float -1; 3: .float 0.5"
    )


def assemble(lines):
    """The bytes of each line, which may hold several instructions."""
    text = [".intel_syntax noprefix"]
    for n, line in enumerate(lines):
        text.append(f".text; .balign 64; start{n}: {line}\nend{n}:")
        text.append(f".section .places; .long start{n} - start0, end{n} - start0")
    with tempfile.TemporaryDirectory() as folder:
        source, made, part = (Path(folder) / name for name in ("lines.s", "lines.o", "part"))
        source.write_text("\n".join(text) + "\n")
        # With -n, a filling of nops stays one of single bytes.
        subprocess.run(["as", "-n", "--64", "-o", made, source], check=True)

        def section(name):
            flags = ["--set-section-flags", f"{name}=alloc,contents"]
            subprocess.run(["objcopy", "-O", "binary", *flags, "-j", name, made, part], check=True)
            return part.read_bytes()

        code, places = section(".text"), section(".places")
    return [code[start:end].hex() for start, end in struct.iter_unpack("<II", places)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default="test/golden/encodings.json")
    out = Path(parser.parse_args().out)
    version = subprocess.run(["as", "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]
    sections = {
        "encodings": [*vectors(), *tiles(), *displacements(), *vector_calls(), *generals(), *programs()],
        "vex": [*vex_vectors(), *vex_displacements(), *vex_calls()],
    }
    header = {"madeBy": "scripts/record-encodings.py", "as": version, "syntax": "Intel", "date": str(date.today())}
    parts = [f'  "header": {json.dumps(header)}']
    for name, repeated in sections.items():
        lines = list(dict.fromkeys(repeated))
        coded = zip(lines, assemble(lines), strict=True)
        body = ",\n".join(f"    {json.dumps(line)}: {json.dumps(code)}" for line, code in coded)
        parts.append(f'  "{name}": {{\n{body}\n  }}')
    body = ",\n".join(parts)
    out.write_text(f"{{\n{body}\n}}\n")


if __name__ == "__main__":
    main()
