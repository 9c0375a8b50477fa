/** Longest pause between two looks. Short, because tests wait for things that mostly happen at once. */
const POLL_MS = 15;

/**
 * Looks again and again until `predicate` answers something truthy, and returns that.
 *
 * @param what Names the awaited thing in the error: "the agent's socket".
 * @throws Error when `timeoutMs` have passed; an error of the last look is kept as its cause.
 */
export async function waitFor<T>(
  what: string,
  predicate: () => T | Promise<T>,
  timeoutMs = 20_000,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await predicate();
      if (value) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`, { cause: lastError });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Lets time pass: for a fault that strikes at a moment drawn by chance or that is itself a time, never to wait for anything. */
export function letPass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
