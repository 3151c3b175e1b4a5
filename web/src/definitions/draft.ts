/**
 * A definition under the hand: as fields and as YAML, each following the other by the
 * server's word, with all that is wrong; and kept in this browser until it is saved.
 */
import { useEffect, useRef, useState } from 'react'
import { ask, problemIn, type DefinitionContent, type DefinitionDraft } from '../api.ts'
import { kept } from '../kept.ts'

/** Milliseconds after the last key. */
const PAUSE = 300

export type Content = DefinitionContent

export const EMPTY: Content = {
  schemaVersion: 1,
  name: '',
  preambleAs: 'system',
  template: '',
  dimensions: [],
  followups: [],
  tags: [],
}

/** What is remembered of unsaved work, and on which version it stands. */
interface Left {
  readonly base: number
  readonly content: Content
  readonly yaml: string
}

export interface Drafting {
  readonly content: Content
  readonly yaml: string
  /** Of what is there now; the one before while it is looked at. */
  readonly told: DefinitionDraft | undefined
  readonly looking: boolean
  /** Why it could not be looked at. */
  readonly failed: string | undefined
  readonly dirty: boolean
  setContent(content: Content): void
  setYaml(yaml: string): void
  /** Back to what was saved, or to this. */
  reset(content?: Content): void
}

/** Wordings without blank lines; none is the level's own name. */
export const cleaned = (content: Content): Content => ({
  ...content,
  dimensions: content.dimensions.map((dimension) => ({
    ...dimension,
    levels: dimension.levels.map((level) => {
      const options = level.options.filter((one) => one.trim() !== '')
      return { ...level, options: options.length === 0 ? [level.label] : options }
    }),
  })),
})

const sameAs = (a: Content, b: Content) => JSON.stringify(ordered(cleaned(a))) === JSON.stringify(ordered(cleaned(b)))
const ordered = ({
  schemaVersion,
  name,
  preamble,
  preambleAs,
  template,
  dimensions,
  followups,
  decision,
  tags,
}: Content) => [
  schemaVersion,
  name,
  preamble ?? null,
  preambleAs,
  template,
  dimensions.map((one) => [one.name, one.levels.map(({ score, label, options }) => [score, label, options])]),
  followups.map(({ label, prompt }) => [label, prompt]),
  decision === undefined
    ? null
    : [decision.instruction ?? null, decision.labels.map(({ code, label }) => [code, label])],
  tags,
]

/** @param place under which unsaved work is kept */
export function useDraft(place: string, saved: Content, base: number): Drafting {
  const store = kept<Left>(`draft.${place}`)
  const [left] = useState(() => store.read())
  const [content, setContent] = useState(left?.content ?? saved)
  const [yaml, setYaml] = useState(left?.yaml ?? '')
  // Which of the two was written last: the other follows.
  const [by, setBy] = useState<'content' | 'yaml'>(left === undefined || left.yaml === '' ? 'content' : 'yaml')
  const [told, setTold] = useState<DefinitionDraft>()
  const [looking, setLooking] = useState(true)
  const [failed, setFailed] = useState<string>()
  const asked = useRef(0)
  const dirty = !sameAs(content, saved) || (by === 'yaml' && told?.draft === null)
  useEffect(() => {
    if (dirty) store.write({ base, content, yaml: by === 'yaml' ? yaml : '' })
    else store.write(undefined)
  }, [dirty, content, yaml, by])
  useEffect(() => {
    const mine = (asked.current += 1)
    setLooking(true)
    const timer = setTimeout(
      () => {
        const body = by === 'yaml' ? { yaml } : { definition: cleaned(content) }
        ask('post', '/api/definitions/draft', { body }).then(
          (draft) => {
            if (mine !== asked.current) return
            setTold(draft)
            setFailed(undefined)
            setLooking(false)
            if (by === 'yaml' && draft.draft !== null) setContent(draft.draft)
            if (by === 'content' && draft.yaml !== null) setYaml(draft.yaml)
          },
          (error: unknown) => {
            if (mine !== asked.current) return
            setFailed(problemIn(error).detail ?? problemIn(error).title)
            setLooking(false)
          },
        )
      },
      told === undefined ? 0 : PAUSE,
    )
    return () => clearTimeout(timer)
    // The one that follows is no reason to ask.
  }, [by, by === 'yaml' ? yaml : content])
  return {
    content,
    yaml,
    told,
    looking,
    failed,
    dirty,
    setContent(next) {
      setBy('content')
      setContent(next)
    },
    setYaml(next) {
      setBy('yaml')
      setYaml(next)
    },
    reset(next = saved) {
      store.write(undefined)
      setBy('content')
      setContent(next)
    },
  }
}
