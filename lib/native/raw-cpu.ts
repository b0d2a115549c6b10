/** Raw register values of processor and kernel, without any judgement. */
export interface RawCpu {
  /** Rows of leaf, subleaf, EAX, EBX, ECX, EDX. */
  readonly cpuid: readonly (readonly number[])[];
  /** Register files the operating system saves (extended control register 0); 0 without XSAVE. */
  readonly xcr0: number;
  /** Extended states the kernel lets this process use, bit by bit as in XCR0; 0 before Linux 5.16. */
  readonly permittedStates: number;
}
