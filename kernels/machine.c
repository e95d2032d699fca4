/* What the processor at hand can do, asked of the library that runs anywhere. */

#include "lsmpl.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* Whether it has x86-64-v3 (AVX2, FMA, F16C, BMI), and the system keeps its registers. */
PUBLIC int lsmpl_has_v3(void) {
  unsigned a, b, c, d, low, high;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  const unsigned wanted = bit_FMA | bit_AVX | bit_F16C | bit_MOVBE | bit_OSXSAVE;
  if ((c & wanted) != wanted) return 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 6) != 6) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  const unsigned also = bit_AVX2 | bit_BMI | bit_BMI2;
  if ((b & also) != also) return 0;
  return __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & bit_LZCNT);
}
#else
PUBLIC int lsmpl_has_v3(void) { return 0; }
#endif

PUBLIC int lsmpl_version(void) { return VERSION; }
