/** A definition from a file: kept if it is right, else everything that is wrong is told. */
import { Upload } from 'lucide-react'
import { useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { fetched, problemIn, type Definition, type Problem as ProblemData } from '../api.ts'
import { askAgain } from '../asked.ts'
import { Button, Dialog, Problem, useAct } from '../ui/index.ts'
import { words } from '../words/definitions.ts'

export function Bring() {
  const file = useRef<HTMLInputElement>(null)
  const [problem, setProblem] = useState<ProblemData>()
  const [busy, act] = useAct((error) => setProblem(problemIn(error)))
  const [, go] = useLocation()
  const take = (chosen: File) =>
    act(async () => {
      try {
        const markdown = /\.(md|markdown)$/i.test(chosen.name)
        const kept = (await fetched('/api/definitions/import', {
          method: 'POST',
          body: await chosen.text(),
          type: markdown ? 'text/markdown' : 'application/yaml',
        })) as Definition
        askAgain('/api/definitions')
        go(`/definitions/${kept.id}`)
      } finally {
        if (file.current !== null) file.current.value = ''
      }
    })
  return (
    <>
      <input
        ref={file}
        type="file"
        accept=".yaml,.yml,.md,.markdown"
        aria-label={words.bringHint}
        className="hidden"
        onChange={({ target }) => {
          const [chosen] = target.files ?? []
          if (chosen !== undefined) take(chosen)
        }}
      />
      <Button icon={Upload} busy={busy} title={words.bringHint} onClick={() => file.current?.click()}>
        {words.bring}
      </Button>
      <Dialog open={problem !== undefined} onClose={() => setProblem(undefined)} title={words.refused}>
        {problem === undefined ? null : <Problem problem={problem} />}
      </Dialog>
    </>
  )
}
