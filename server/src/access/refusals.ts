/** What this room refuses, and how HTTP tells it: status and constant title by code. */
import { Refusal, sqlState } from '@millrace/engine'

export const ACCESS_PROBLEMS = {
  WRONG_SIGN_IN: [401, 'That is not how this account signs in'],
  SIGN_IN_FIRST: [401, 'Somebody has to sign in first'],
  WRONG_PASSWORD: [403, 'That is not the present password'],
  IN_PERSON_ONLY: [403, 'A person has to do this himself'],
  NO_SUCH_USER: [404, 'There is no such account'],
  NO_SUCH_MEMBER: [404, 'There is no such member'],
  NO_SUCH_KEY: [404, 'There is no such key'],
  NO_SUCH_SESSION: [404, 'There is no such session'],
  NO_SUCH_WORKSPACE: [404, 'There is no such workspace'],
  NO_SUCH_INVITATION: [404, 'There is no such invitation'],
  NOT_A_MEMBER: [409, 'That person is not in this workspace'],
  LAST_ADMIN: [409, 'A workspace keeps an admin'],
  LAST_OPERATOR: [409, 'An installation keeps an operator'],
  WORKSPACE_EXISTS: [409, 'There is a workspace of this name'],
  LINK_GONE: [410, 'This link is used or has expired'],
  WEAK_PASSWORD: [422, 'This password is too easy'],
  INVALID_NAME: [422, 'This name cannot be taken'],
  TOO_MANY_TRIES: [429, 'Too many tries'],
  BUSY: [503, 'Too many people sign in at this moment'],
} as const satisfies Readonly<Record<string, readonly [status: number, title: string]>>

const SAID: Readonly<Record<string, string>> = {
  NO_SUCH_USER: 'There is no such account, or it is disabled.',
  NO_SUCH_MEMBER: 'There is no such member of this workspace.',
  NO_SUCH_KEY: 'There is no such key.',
  NO_SUCH_INVITATION: 'There is no such invitation.',
  NOT_A_MEMBER: 'That person is not in this workspace.',
  LAST_ADMIN: 'This is the last admin of the workspace.',
  LAST_OPERATOR: 'This is the last operator of the installation.',
  WORKSPACE_EXISTS: 'There is a workspace of this name already.',
  TOO_LONG: 'A key lasts between a day and 730 days.',
}

const OURS = 'MR020'
const CHECK_VIOLATION = '23514'

/** What the verbs of people.sql refuse, for a person; other errors pass. */
export function toldOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (sqlState(error) === OURS)
    return new Refusal(error.message, SAID[error.message] ?? error.message, { cause: error })
  if (sqlState(error) === CHECK_VIOLATION) {
    return new Refusal('INVALID_NAME', 'A name or an address has a character or a length that it cannot have.', {
      cause: error,
    })
  }
  return error
}
