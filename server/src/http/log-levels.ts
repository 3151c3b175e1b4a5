/** How much a program tells in its log; apart from the log, whose library no setting needs. */
export const LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type Level = (typeof LEVELS)[number]
