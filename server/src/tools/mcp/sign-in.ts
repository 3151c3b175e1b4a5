/**
 * Signing in to a server of tools that wants it (OAuth).  A program signs in with its own
 * credentials; for a person `millrace tools login` does it once, and what came of it is
 * kept sealed and renewed.  Where nobody is there to be asked, the tool is UNAVAILABLE.
 */
import {
  ClientCredentialsProvider,
  PrivateKeyJwtProvider,
  type OAuthClientInformationContext,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from '@modelcontextprotocol/client'
import type { ServerFile } from './server-file.ts'

export interface SignIns {
  read(name: string): string | undefined
  write(name: string, text: string | undefined): void
}

/** Nobody is there who could be sent to a page. */
export class NeedsPerson extends Error {}

/** What is known of our signing in to one server; each by who issued it. */
interface Known {
  readonly url: string
  clients: Record<string, StoredOAuthClientInformation>
  tokens: Record<string, StoredOAuthTokens>
  /** Whose tokens came last. */
  last?: string
  /** Scopes that a call wanted and that nobody was there to grant. */
  wanted?: string | undefined
}

/** A person who can be sent to a page, and comes back at an address. */
export interface Person {
  readonly redirectUrl: string
  readonly state: string
  open(address: URL): void | Promise<void>
}

export interface SignIn {
  readonly provider: OAuthClientProvider
  readonly wanted: () => string | undefined
}

/** The address in metadata of a program that nobody comes back to. */
const NOWHERE = 'http://127.0.0.1/callback'

export function openSignIn(
  file: ServerFile,
  signIns: SignIns,
  secretOf: (name: string) => string | undefined,
  person?: Person,
): SignIn {
  const given = file.signIn
  if (given?.grant === 'program') return { provider: programOf(given, secretOf), wanted: () => undefined }
  const server = file.url ?? ''
  // It is read each time: another program may have signed in, or renewed it.
  const read = (): Known => {
    const nothing: Known = { url: server, clients: {}, tokens: {} }
    try {
      const known = JSON.parse(signIns.read(file.name) ?? 'null') as Known | null
      // What was for another address is not sent to this one.
      return known?.url === server ? known : nothing
    } catch {
      return nothing
    }
  }
  const change = (how: (known: Known) => void) => {
    const known = read()
    how(known)
    signIns.write(file.name, JSON.stringify(known))
  }
  const registered = given?.client === undefined ? undefined : clientOf(given, secretOf)
  let verifier = ''
  let discovered: OAuthDiscoveryState | undefined

  const provider: OAuthClientProvider = {
    redirectUrl: person?.redirectUrl ?? NOWHERE,
    clientMetadata: {
      client_name: 'Millrace',
      redirect_uris: [person?.redirectUrl ?? NOWHERE],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...(given?.scope === undefined ? {} : { scope: given.scope }),
    },
    ...(given?.document === undefined ? {} : { clientMetadataUrl: given.document }),
    clientInformation(context?: OAuthClientInformationContext) {
      if (registered !== undefined) return registered
      const { clients, last } = read()
      const issuer = context?.issuer ?? last
      const known = issuer === undefined ? undefined : clients[issuer]
      // Who registers does so for the address at which somebody comes back.
      if (known === undefined && person === undefined) throw new NeedsPerson('nobody has signed in')
      return known
    },
    tokens(context?: OAuthClientInformationContext) {
      const { tokens, last } = read()
      const issuer = context?.issuer ?? last
      return issuer === undefined ? undefined : tokens[issuer]
    },
    saveTokens(tokens, context) {
      const issuer = context?.issuer ?? tokens.issuer ?? ''
      change((known) => {
        known.tokens = { [issuer]: tokens }
        known.last = issuer
        known.wanted = undefined
      })
      // Who issues may be another the next time.
      discovered = undefined
    },
    redirectToAuthorization(address) {
      if (person !== undefined) return person.open(address)
      const scope = address.searchParams.get('scope') ?? undefined
      if (scope !== undefined) change((known) => void (known.wanted = scope))
      throw new NeedsPerson('somebody must sign in')
    },
    saveCodeVerifier: (code) => void (verifier = code),
    codeVerifier: () => verifier,
    saveDiscoveryState: (state) => void (discovered = state),
    ...(person === undefined
      ? {}
      : {
          state: () => person.state,
          discoveryState: () => discovered,
          saveClientInformation(client: StoredOAuthClientInformation, context?: OAuthClientInformationContext) {
            change((known) => void (known.clients[context?.issuer ?? client.issuer ?? ''] = client))
          },
        }),
    invalidateCredentials(what) {
      if (what === 'discovery' || what === 'all') discovered = undefined
      if (what === 'verifier') verifier = ''
      if (what === 'tokens' || what === 'all') change((known) => void (known.tokens = {}))
      if (what === 'client' || what === 'all') change((known) => void (known.clients = {}))
    },
  }
  return { provider, wanted: () => read().wanted }
}

type Given = NonNullable<ServerFile['signIn']>

function clientOf({ client = '', secret, issuer }: Given, secretOf: (name: string) => string | undefined) {
  const found = secret === undefined ? undefined : secretOf(secret)
  return {
    client_id: client,
    ...(found === undefined ? {} : { client_secret: found }),
    ...(issuer === undefined ? {} : { issuer }),
  }
}

function programOf(given: Given, secretOf: (name: string) => string | undefined): OAuthClientProvider {
  const { client: clientId = '', secret, key, algorithm, scope, issuer = '' } = given
  const shared = { clientId, expectedIssuer: issuer, ...(scope === undefined ? {} : { scope }) }
  if (key !== undefined) return new PrivateKeyJwtProvider({ ...shared, privateKey: secretOf(key) ?? '', algorithm })
  return new ClientCredentialsProvider({ ...shared, clientSecret: secretOf(secret ?? '') ?? '' })
}
