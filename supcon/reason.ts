/** What an error of the system or of another library says, to be told within a message of ours. */
export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
