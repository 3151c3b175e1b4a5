/** The stages of the board: named anew, in another order, added, and removed where no card is. */
import { ArrowDown, ArrowUp, Plus, Save, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { ask, type Answer } from '../api.ts'
import { askAgain } from '../asked.ts'
import { Button, Card, IconButton, Input, tell, useAct } from '../ui/index.ts'
import { words } from '../words/board-settings.ts'
import { swapped } from './recipe-draft.ts'

type Columns = Answer<'get', '/api/board'>['columns']

interface Line {
  readonly key: string
  readonly name: string
  readonly fresh: boolean
}

/** A key from a name: what the server takes, as far as it can be guessed. */
const keyOf = (name: string) =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, 40)

export function StagesCard({ columns, admin }: { columns: Columns; admin: boolean }) {
  const kept: readonly Line[] = columns.map(({ key, name }) => ({ key, name, fresh: false }))
  const [lines, setLines] = useState<readonly Line[]>(kept)
  const [busy, act] = useAct()
  const changed = JSON.stringify(lines) !== JSON.stringify(kept)
  const countOf = (key: string) => columns.find((column) => column.key === key)?.count ?? 0
  const save = () =>
    act(async () => {
      await ask('put', '/api/board/stages', {
        body: { stages: lines.map(({ key, name, fresh }) => ({ key: fresh ? keyOf(name) : key, name: name.trim() })) },
      })
      tell(words.stagesSaved)
      askAgain('/api/board', '/api/stage-recipes')
    })
  return (
    <Card title={words.stages} flush>
      <p className="px-4 pt-3 text-sm text-dim">{words.stagesHint}</p>
      <ol className="p-2">
        {lines.map((line, i) => {
          const n = line.fresh ? 0 : countOf(line.key)
          const name = line.name || String(i + 1)
          return (
            <li key={line.key} className="flex items-center gap-2 px-2 py-1">
              <div className="min-w-0 flex-1">
                <Input
                  aria-label={`${words.name} ${i + 1}`}
                  value={line.name}
                  disabled={!admin}
                  maxLength={60}
                  onChange={(next) => setLines(lines.with(i, { ...line, name: next }))}
                />
              </div>
              <span className="cut hidden w-24 font-mono text-xs text-faint sm:block" title={words.key}>
                {line.fresh ? keyOf(line.name) : line.key}
              </span>
              <span className="w-16 text-right text-sm text-dim">{words.cards(n)}</span>
              {admin ? (
                <div className="flex">
                  <IconButton
                    label={`${name}: ${words.up}`}
                    icon={ArrowUp}
                    size="small"
                    disabled={i === 0}
                    onClick={() => setLines(swapped(lines, i, -1))}
                  />
                  <IconButton
                    label={`${name}: ${words.down}`}
                    icon={ArrowDown}
                    size="small"
                    disabled={i === lines.length - 1}
                    onClick={() => setLines(swapped(lines, i, 1))}
                  />
                  <IconButton
                    label={`${name}: ${words.remove}`}
                    icon={Trash2}
                    size="small"
                    disabled={n > 0 || lines.length === 1}
                    onClick={() => setLines(lines.toSpliced(i, 1))}
                  />
                </div>
              ) : null}
            </li>
          )
        })}
      </ol>
      {admin ? (
        <div className="flex flex-wrap gap-2 px-4 pb-4">
          <Button
            icon={Plus}
            onClick={() => setLines([...lines, { key: `new ${lines.length} ${Date.now()}`, name: '', fresh: true }])}
          >
            {words.newStage}
          </Button>
          <Button
            look="primary"
            icon={Save}
            busy={busy}
            disabled={!changed || lines.some(({ name }) => name.trim() === '')}
            onClick={save}
          >
            {words.save}
          </Button>
          {changed ? (
            <Button look="quiet" onClick={() => setLines(kept)}>
              {words.drop}
            </Button>
          ) : null}
        </div>
      ) : null}
    </Card>
  )
}
