/** `millrace providers`: which providers can be asked, and what is missing. */
import { glance, keysOf, openCatalogue, ownProviders, providerHealth } from '../app.ts'
import { readConfig } from '../config.ts'
import { say, table } from './screen.ts'

export async function providers(options: { json?: boolean }): Promise<number> {
  const config = readConfig()
  const keys = keysOf(config)
  const own = await ownProviders(config)
  const health = await glance(config, { keys }, () => providerHealth(openCatalogue(config, keys, own)))
  if (options.json === true) {
    say(JSON.stringify(health))
  } else {
    say(
      table(
        ['provider', 'name', 'configured', 'connected', ''],
        health.providers.map(({ id, name, configured, connected, error }) => [
          id,
          name,
          configured ? 'yes' : 'no',
          connected ? 'yes' : 'no',
          error === undefined ? '' : `${error.message} (${error.code})`,
        ]),
      ),
    )
  }
  return health.providers.some(({ configured, connected }) => configured && !connected) ? 1 : 0
}
