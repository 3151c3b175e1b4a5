/** Signing in: a secret is shown, and what comes back is a session's. */
import { Refusal, toText, type Principal } from '@millrace/engine'
import { NOBODY, ringPeople, type Access } from './access.ts'
import { neighbourhood } from './origin.ts'
import { COST, keep, proofOf, type Terms } from './passwords.ts'
import { toldOf } from './refusals.ts'
import { digestOf, isSecret, newSecret } from './secrets.ts'

/** From where somebody signs in. */
export interface Visit {
  readonly address: string
  /** What the browser says it is. */
  readonly agent?: string | undefined
  /** The session that the browser held before; it ends. */
  readonly before?: string | undefined
}

const spoken = ({ agent = '' }: Visit) =>
  toText(agent)
    .replaceAll(/\p{Cc}/gu, ' ')
    .slice(0, 200)
const held = ({ before }: Visit) => (before === undefined ? null : digestOf(before))

/**
 * Gives the secret of the new session.  An account that is not there is worked
 * through like one that is, and told the same.
 * @throws Refusal WRONG_SIGN_IN, TOO_MANY_TRIES, BUSY
 */
export async function signIn({ engine }: Access, email: string, password: string, visit: Visit): Promise<string> {
  const name = toText(email)
  const from = neighbourhood(visit.address)
  const { rows } = await engine.as(NOBODY, (tx) =>
    tx.query<Terms & { wait: number }>('select * from people.terms($1, $2, $3, $4, $5)', [
      name,
      from,
      COST.memory,
      COST.passes,
      COST.lanes,
    ]),
  )
  const [terms] = rows
  if (terms === undefined || terms.wait > 0) throw tooMany(terms?.wait ?? 1)
  const proof = await proofOf(password, terms)
  const secret = newSecret()
  const signed = await engine.as(
    NOBODY,
    (tx) =>
      tx.query<{ ok: boolean }>('select people.sign_in($1, $2, $3, $4, $5, $6) as ok', [
        name,
        proof,
        digestOf(secret),
        held(visit),
        spoken(visit),
        from,
      ]),
    ringPeople,
  )
  if (signed.rows[0]?.ok !== true) {
    throw new Refusal('WRONG_SIGN_IN', 'There is no such account, or that is not its password.')
  }
  if (terms.memory !== COST.memory || terms.passes !== COST.passes || terms.lanes !== COST.lanes) {
    const { salt, verifier } = await keep(password)
    await engine.as(NOBODY, (tx) =>
      tx.query('select people.renew($1, $2, $3, $4, $5, $6, $7)', [
        name,
        proof,
        salt,
        COST.memory,
        COST.passes,
        COST.lanes,
        verifier,
      ]),
    )
  }
  return secret
}

function tooMany(seconds: number): Refusal {
  return new Refusal('TOO_MANY_TRIES', 'Too many tries from here, or for this account.', {
    remedy: `Try again in ${Math.ceil(seconds / 60)} min, or with a one-time link.`,
  })
}

/**
 * Takes a one-time link; `who` asks, if he is known already.  Undefined: he joined
 * a workspace and his session stays; else the secret of a new one.
 * @throws Refusal LINK_GONE, SIGN_IN_FIRST
 */
export async function takeLink(
  { engine }: Access,
  token: string,
  visit: Visit,
  who: Principal = NOBODY,
): Promise<string | undefined> {
  const secret = newSecret()
  const { rows } = isSecret(token)
    ? await engine.as(
        who,
        (tx) =>
          tx.query<{ outcome: string }>('select people.use_link($1, $2, $3, $4, $5) as outcome', [
            digestOf(token),
            digestOf(secret),
            held(visit),
            spoken(visit),
            neighbourhood(visit.address),
          ]),
        ringPeople,
      )
    : { rows: [] }
  const outcome = rows[0]?.outcome
  if (outcome === 'signed_in') return secret
  if (outcome === 'joined') return undefined
  if (outcome === 'sign_in_first') {
    throw new Refusal('SIGN_IN_FIRST', 'This invitation is for somebody who has an account: sign in, then take it.')
  }
  throw new Refusal('LINK_GONE', 'This link was used already, or it has expired.', {
    remedy: '`millrace users link EMAIL` makes a new one.',
  })
}

export async function signOut({ engine }: Access, secret: string): Promise<void> {
  await engine.as(NOBODY, (tx) => tx.query('select people.sign_out($1)', [digestOf(secret)]), ringPeople)
}

/**
 * Sets one's own password; every other session ends.
 * @throws Refusal WRONG_PASSWORD
 */
export async function setPassword(
  { engine }: Access,
  who: Principal,
  { present, next, session }: { present?: string | undefined; next: string; session?: string | undefined },
): Promise<void> {
  const { rows } = await engine.as(who, (tx) => tx.query<Terms>('select * from people.own_terms()'))
  const proof = rows[0] === undefined ? null : await proofOf(present ?? '', rows[0])
  const { salt, memory, passes, lanes, verifier } = await keep(next)
  const done = await engine
    .as(
      who,
      (tx) =>
        tx.query<{ ok: boolean }>('select people.set_password($1, $2, $3, $4, $5, $6, $7) as ok', [
          proof,
          salt,
          memory,
          passes,
          lanes,
          verifier,
          session === undefined ? null : digestOf(session),
        ]),
      ringPeople,
    )
    .catch((error: unknown) => Promise.reject(toldOf(error)))
  if (done.rows[0]?.ok === true) return
  throw new Refusal('WRONG_PASSWORD', 'That is not the present password, or it was tried too often.')
}
