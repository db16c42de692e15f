/** Tells the person at the terminal; one sentence a call. */
export type Say = (line: string) => void

/** Something the person can put right. The message is the whole story: printed without a stack, exit code 1. */
export class SetupError extends Error {
  override name = "SetupError"
}

/** Errors whose message says what to put right; anything else is a bug. */
const CLEAR = ["SetupError", "ConfigError", "MigrationError", "SeedError"]

/** Runs a command's main: an error that the person can put right is one clear line, anything else shows its stack. */
export async function runCommand(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    const clear = error instanceof Error && CLEAR.includes(error.name)
    console.error(clear ? error.message : error)
    process.exit(1)
  }
}
