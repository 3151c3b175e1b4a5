/** The dimensions of a definition: each a name and its levels, a level a score, a name and its wordings. */
import { Plus, X } from 'lucide-react'
import { Button, Field, IconButton, Input, Textarea } from '../ui/index.ts'
import { editor as words } from '../words/definitions.ts'
import type { Content } from './draft.ts'

type Dimension = Content['dimensions'][number]
type Level = Dimension['levels'][number]

interface DimensionsProps {
  readonly content: Content
  readonly set: (content: Content) => void
  readonly at: (path: string) => string | undefined
}

const levelOf = (n: number): Level => ({ score: n, label: '', options: [''] })

export function Dimensions({ content, set, at }: DimensionsProps) {
  const { dimensions } = content
  const change = (next: readonly Dimension[]) => set({ ...content, dimensions: next })
  return (
    <div className="flex flex-col gap-5">
      {dimensions.map((dimension, i) => (
        <One
          key={i}
          of={dimension}
          path={`dimensions[${i}]`}
          at={at}
          onChange={(next) => change(dimensions.map((other, j) => (i === j ? next : other)))}
          onDrop={() => change(dimensions.filter((_one, j) => i !== j))}
        />
      ))}
      <div>
        <Button icon={Plus} onClick={() => change([...dimensions, { name: '', levels: [levelOf(1), levelOf(2)] }])}>
          {words.addDimension}
        </Button>
      </div>
    </div>
  )
}

interface OneProps {
  readonly of: Dimension
  readonly path: string
  readonly at: DimensionsProps['at']
  readonly onChange: (dimension: Dimension) => void
  readonly onDrop: () => void
}

function One({ of, path, at, onChange, onDrop }: OneProps) {
  const { levels } = of
  const level = (i: number, some: Partial<Level>) =>
    onChange({ ...of, levels: levels.map((one, j) => (i === j ? { ...one, ...some } : one)) })
  const next = Math.max(0, ...levels.map(({ score }) => score)) + 1
  return (
    <div className="rounded-md border border-line p-3">
      <div className="flex items-start gap-2">
        <div className="min-w-0 flex-1">
          <Field label={words.dimension} problem={at(`${path}.name`) ?? at(path) ?? at(`${path}.levels`)}>
            <Input value={of.name} onChange={(name) => onChange({ ...of, name })} />
          </Field>
        </div>
        <IconButton icon={X} label={words.dropDimension(of.name)} onClick={onDrop} />
      </div>
      <ul className="mt-3 flex flex-col gap-3">
        {levels.map((one, i) => (
          <li key={i} className="flex items-start gap-2">
            <div className="grid min-w-0 flex-1 gap-2 sm:grid-cols-[5rem_12rem_1fr]">
              <Field label={words.score} problem={at(`${path}.levels[${i}].score`)}>
                <Input
                  type="number"
                  step="any"
                  value={String(one.score)}
                  onChange={(text) => level(i, { score: Number(text) || 0 })}
                />
              </Field>
              <Field label={words.level} problem={at(`${path}.levels[${i}].label`) ?? at(`${path}.levels[${i}]`)}>
                <Input
                  value={one.label}
                  onChange={(label) =>
                    // Wordings that only repeat the name go with it.
                    level(i, { label, options: plain(one) ? [label] : one.options })
                  }
                />
              </Field>
              <Field
                label={words.wordings}
                problem={at(`${path}.levels[${i}].options`)}
                hint={several(one) ? words.severalLines : undefined}
              >
                <Textarea
                  rows={Math.min(4, Math.max(1, one.options.length))}
                  disabled={several(one)}
                  placeholder={words.asLevel}
                  value={plain(one) ? '' : one.options.join('\n')}
                  onChange={(text) => level(i, { options: text === '' ? [one.label] : text.split('\n') })}
                />
              </Field>
            </div>
            <div className="pt-6">
              <IconButton
                size="small"
                icon={X}
                label={words.dropLevel(one.label)}
                onClick={() => onChange({ ...of, levels: levels.filter((_one, j) => i !== j) })}
              />
            </div>
          </li>
        ))}
      </ul>
      <div className="mt-3">
        <Button size="small" icon={Plus} onClick={() => onChange({ ...of, levels: [...levels, levelOf(next)] })}>
          {words.addLevel}
        </Button>
      </div>
    </div>
  )
}

const plain = ({ label, options }: Level) => options.length === 1 && options[0] === label
const several = ({ options }: Level) => options.some((one) => one.includes('\n'))
