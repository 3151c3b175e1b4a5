/** What an installation has for skills: the folder that a sync reads, and the marketplace. */
import type { Marketplace } from './marketplace.ts'
import { openSkillsMp, type SkillsMpOptions } from './skillsmp.ts'
import type { SkillsPlace } from './sync.ts'

export interface Skills {
  readonly place: SkillsPlace
  readonly marketplace: Marketplace
}

const FOLDER = 'skills'
const SKILLSMP = 'https://skillsmp.com/api/v1'

/** @param folder `skills`, where it is there, if undefined */
export function openSkills(folder: string | undefined, { key, baseUrl }: Partial<SkillsMpOptions>): Skills {
  return {
    place: { path: folder ?? FOLDER, isSet: folder !== undefined },
    marketplace: openSkillsMp({ key, baseUrl: (baseUrl ?? SKILLSMP).replace(/\/+$/, '') }),
  }
}
