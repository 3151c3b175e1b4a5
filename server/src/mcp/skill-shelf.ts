/** Skills of the catalogue by their address: SKILL.md, and every file beside it that is a text. */
import { allows, mustAllow } from '../access/signed-in.ts'
import { fileOf, listSkills, skillOf } from '../skills/store.ts'
import type { Shelf } from './shelf.ts'

const ALL = 'millrace://skills/'
const PLACE = /^millrace:\/\/skills\/(\d{1,15})(?:\/(.{1,600}))?$/
const MAIN = 'SKILL.md'

const TYPES: Readonly<Record<string, string>> = { md: 'text/markdown', json: 'application/json' }
const typeOf = (path: string) => TYPES[/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? ''] ?? 'text/plain'

function placeOf(uri: string): { skill: number; path: string } | undefined {
  const [, skill, path = MAIN] = PLACE.exec(uri) ?? []
  if (skill === undefined) return undefined
  try {
    return { skill: Number(skill), path: decodeURIComponent(path) }
  } catch {
    return undefined
  }
}

export const skillShelf: Shelf = {
  begins: ALL,
  templates: [
    {
      uriTemplate: `${ALL}{id}`,
      name: 'skill',
      description: 'The SKILL.md of a skill, in the version that is used.',
      mimeType: 'text/markdown',
    },
    {
      uriTemplate: `${ALL}{id}/{+path}`,
      name: 'skill_file',
      description: 'A file of a skill that is a text: its prompt, a schema, a template.',
      mimeType: 'text/plain',
    },
  ],
  async list({ house, who, workspace }, { after, limit }) {
    if (!allows(who, 'skills:read')) return { resources: [], next: undefined }
    const filter = { workspace: workspace(), limit: limit + 1, ...(after === undefined ? {} : { before: after }) }
    const found = await house.engine.as(who.principal, (tx) => listSkills(tx, filter))
    const resources = found
      .slice(0, limit)
      .map(({ id, name, description, trustLevel, digest, version, updatedAt }) => ({
        uri: `${ALL}${id}`,
        name,
        // What it says of itself is its author's word: what we think of it comes first.
        description: `${trustLevel} skill, version ${version}. ${description}`,
        mimeType: 'text/markdown',
        annotations: { lastModified: updatedAt.toISOString() },
        _meta: { 'millrace/digest': digest, 'millrace/trust': trustLevel },
      }))
    return { resources, next: found.length > limit ? found[limit - 1]?.id : undefined }
  },
  async read({ house, who }, uri) {
    const place = placeOf(uri)
    if (place === undefined) return undefined
    mustAllow(who, 'skills:read')
    const { text, path } = await house.engine.as(who.principal, (tx) => fileOf(tx, place.skill, place.path))
    return text === null ? undefined : { mimeType: typeOf(path), text }
  },
  async complete({ house, who, workspace }, part, { id }) {
    if (!allows(who, 'skills:read')) return []
    return house.engine.as(who.principal, async (tx) => {
      if (part === 'id') {
        return (await listSkills(tx, { workspace: workspace(), limit: 100 })).map((skill) => String(skill.id))
      }
      if (part !== 'path' || id === undefined || !/^\d{1,15}$/.test(id)) return []
      return (await skillOf(tx, Number(id))).files.map(({ path }) => path)
    })
  },
  // Content of a version never changes.
  watch: async () => undefined,
}
