/** What a program says about settings.json when it starts. */
import { homeOf, type App } from '../app.ts'
import type { Config } from '../config.ts'
import { hasSettingsFile, takeInSettings, type SettingsFile } from '../domains/stage/settings-file.ts'
import { remark } from './screen.ts'

/** Takes in a file that has changed. */
export async function tellSettings({ engine }: Pick<App, 'engine'>, config: Config): Promise<void> {
  const home = homeOf(config)
  if (await hasSettingsFile(home)) tellFile((await takeInSettings(engine, home)).file)
}

export function tellFile({ path, state, problems }: SettingsFile): void {
  if (state === 'taken') remark(`${path} was taken in.`)
  for (const problem of problems) remark(`${path} was not taken in: ${problem}`)
}
