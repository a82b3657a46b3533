/*
 * bcryptprimitives.dll for versions of Wine that have none (before 9).
 *
 * Rust's standard library takes its random numbers from ProcessPrng of this library and does not start
 * without it. Wine's advapi32 has an older function that gives the same. `cargo xtask wine` builds this for its
 * own Wine prefix, if there is none in it.
 */
#include <windows.h>

/* advapi32.dll has RtlGenRandom under this name. */
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

/* The largest piece to ask for at once: lengths are 64 bits wide here and 32 bits wide there. */
#define PIECE 0x10000000u

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *buffer, SIZE_T length)
{
    while (length > 0) {
        ULONG piece = length > PIECE ? PIECE : (ULONG)length;
        if (!SystemFunction036(buffer, piece))
            return FALSE;
        buffer += piece;
        length -= piece;
    }
    return TRUE;
}
