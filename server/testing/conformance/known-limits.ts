/**
 * What the official suite requires and Millrace does not do, each with its reason.  A
 * scenario that passes and stands here fails the run, as does one that fails and does not.
 */
export interface Limits {
  readonly [reason: string]: readonly string[]
}

const NO_OAUTH = 'it signs in to a server with a token that its operator has; nobody is there to be sent to a page'
const NOT_ASKED = 'it says that it can ask nobody, so a server that asks has no answer'

const signing = (names: readonly string[]) => names.map((name) => `auth/${name}`)
/** Required in both revisions. */
const OAUTH = signing([
  'metadata-default',
  'metadata-var1',
  'metadata-var2',
  'metadata-var3',
  'basic-cimd',
  'scope-from-www-authenticate',
  'scope-from-scopes-supported',
  'scope-omitted-when-undefined',
  'scope-step-up',
  'scope-retry-limit',
  'token-endpoint-auth-basic',
  'token-endpoint-auth-post',
  'token-endpoint-auth-none',
  'pre-registration',
])

export const CLIENT_LIMITS: Readonly<Record<string, Limits>> = {
  '2026-07-28': {
    [NO_OAUTH]: [
      ...OAUTH,
      ...signing([
        'resource-mismatch',
        'offline-access-scope',
        'offline-access-not-supported',
        'authorization-server-migration',
        'iss-supported',
        'iss-not-advertised',
        'iss-supported-missing',
        'iss-wrong-issuer',
        'iss-unexpected',
        'iss-normalized',
        'metadata-issuer-mismatch',
      ]),
    ],
    [NOT_ASKED]: ['sep-2322-client-request-state'],
  },
  '2025-11-25': {
    [NO_OAUTH]: OAUTH,
    [NOT_ASKED]: ['elicitation-sep1034-client-defaults'],
  },
}
