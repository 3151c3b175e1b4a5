/** `millrace keys …`: keys of providers in the database.  A key is never an argument, and is shown to nobody again. */
import { operator } from '../app.ts'
import { holderNamed, listKeys, removeKey, rotateSecret, setKey } from '../keys/vault.ts'
import { readHidden } from './hidden.ts'
import { remark, say, table, when } from './screen.ts'
import { withApp } from './session.ts'

export async function showKeys(options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine, keys }) => {
    const known = await listKeys(engine, operator, keys)
    if (options.json === true) say(JSON.stringify(known))
    else if (known.length === 0) say('There are no keys. `millrace keys set openai` reads one where nobody sees it.')
    else {
      say(
        table(
          ['provider', 'fingerprint', 'from', 'set', ''],
          known.map(({ provider, fingerprint, source, by, setAt, used, opens }) => [
            provider,
            fingerprint,
            source === 'database' ? `the database, by ${by}` : `the environment, ${by}`,
            setAt === null ? '–' : when(setAt),
            used
              ? opens
                ? ''
                : 'does not open: it was sealed with another secret than this program has'
              : 'not used: the one in the database comes first',
          ]),
        ),
      )
    }
    return 0
  })
}

export async function setProviderKey(name: string): Promise<number> {
  const provider = holderNamed(name)
  const given = await readHidden(`Key of ${provider}, which is not shown: `)
  return withApp(async ({ engine, keys }) => {
    const fingerprint = await setKey(engine, operator, keys, provider, given)
    say(`The key of ${provider} is ${fingerprint} now; workers have it within a few seconds.`)
    const stopped = (await engine.limits.list(operator)).find(({ key, stopped: by }) => key === provider && by !== null)
    if (stopped !== undefined) {
      remark(`${provider} is stopped (${stopped.stopped}): \`millrace limits release ${provider}\` lets it go on.`)
    }
    const variable = keys.environment[provider]
    if ((variable?.key ?? '') !== '') remark(`It comes before the one in ${variable?.variable}.`)
    return 0
  })
}

export async function removeProviderKey(name: string): Promise<number> {
  const provider = holderNamed(name)
  return withApp(async ({ engine, keys }) => {
    await removeKey(engine, operator, provider)
    say(`The database has no key of ${provider} any more.`)
    const variable = keys.environment[provider]
    if ((variable?.key ?? '') !== '') remark(`${variable?.variable} is used from now on.`)
    return 0
  })
}

export async function rotate(): Promise<number> {
  return withApp(async ({ engine, keys, logins }) => {
    const amount = await rotateSecret(engine, operator, keys, logins.worker)
    say(
      `${amount} ${amount === 1 ? 'key is' : 'keys are'} sealed with ${keys.place.given === undefined ? 'a new secret' : 'the first secret of MILLRACE_SECRET'} now.`,
    )
    if (keys.place.given?.includes(',') === true) remark('The secrets after the first are not needed any more.')
    return 0
  })
}
