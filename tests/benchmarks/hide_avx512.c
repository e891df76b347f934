// Hides AVX-512, AMX and AVX-VNNI from a program: what asks for them sees a processor with AVX2.
//
// onnxruntime has no option for it. Linux can make the instruction that asks, CPUID, fault; the
// handler runs it and clears the bits. Intel processors and virtual machines whose /proc/cpuinfo
// lists cpuid_fault can do that.

#define _GNU_SOURCE
#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

// AVX512F, DQ, IFMA, PF, ER, CD, BW, VL; VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ; 4VNNIW, 4FMAPS,
// VP2INTERSECT, AMX-BF16, AVX512-FP16, AMX-TILE, AMX-INT8.
static const unsigned kEbx = 0xDC230000, kEcx = 0x00005842, kEdx = 0x03C0010C;
static const unsigned kSub1Eax = 0x00000030;  // AVX-VNNI, AVX512-BF16

static long cpuid_allowed(int is_allowed) {
  return syscall(SYS_arch_prctl, ARCH_SET_CPUID, is_allowed);
}

static void answer(int number, siginfo_t *info, void *context) {
  (void)info;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  if (memcmp((const void *)registers[REG_RIP], "\x0f\xa2", 2) != 0) {
    signal(number, SIG_DFL);  // a fault of the program's own
    return;
  }
  unsigned leaf = (unsigned)registers[REG_RAX], sub = (unsigned)registers[REG_RCX];
  unsigned eax, ebx, ecx, edx;
  cpuid_allowed(1);
  __cpuid_count(leaf, sub, eax, ebx, ecx, edx);
  cpuid_allowed(0);
  if (leaf == 7 && sub == 0) ebx &= ~kEbx, ecx &= ~kEcx, edx &= ~kEdx;
  if (leaf == 7 && sub == 1) eax &= ~kSub1Eax;
  registers[REG_RAX] = eax;
  registers[REG_RBX] = ebx;
  registers[REG_RCX] = ecx;
  registers[REG_RDX] = edx;
  registers[REG_RIP] += 2;
}

// 0 where it works; threads that begin later inherit it.
int hide_avx512(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = answer;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSEGV, &action, NULL);
  return cpuid_allowed(0) == 0 ? 0 : -1;
}
