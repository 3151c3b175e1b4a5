/** All pieces in one place, while one writes: `npm run dev`, then `/gallery`. */
import { Inbox, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import {
  Badge,
  Button,
  Card,
  CodeBlock,
  Combobox,
  Dialog,
  Empty,
  Field,
  Figure,
  IconButton,
  Input,
  JsonView,
  Kbd,
  Menu,
  MenuItems,
  Money,
  NumberField,
  Page,
  Problem,
  Progress,
  Select,
  Skeleton,
  Slider,
  StatusBadge,
  Switch,
  tell,
  Textarea,
  Time,
  Tokens,
} from './index.ts'

const STATUSES = ['queued', 'running', 'paused', 'awaiting_approval', 'succeeded', 'failed', 'cancelled'] as const
const CHOICES = ['one', 'two', 'three'].map((value) => ({ value, label: `The ${value}` }))
const PROBLEM = {
  type: 'about:blank',
  title: 'That was refused',
  detail: 'Why, in a sentence.',
  remedy: 'What to do.',
  causes: ['The first cause.', 'The second.'],
  code: 'REFUSED',
  status: 422,
  instance: '',
  correlationId: '0f3c',
}

export default function Gallery() {
  const [text, setText] = useState('')
  const [choice, setChoice] = useState('one')
  const [found, setFound] = useState<string | null>(null)
  const [n, setN] = useState(40)
  const [on, setOn] = useState(true)
  const [open, setOpen] = useState(false)
  return (
    <Page title="Gallery" lead="The pieces that pages are made of.">
      <div className="grid gap-5 lg:grid-cols-2">
        <Card title="Buttons" actions={<Kbd keys="n" />}>
          <div className="flex flex-wrap items-center gap-2">
            <Button look="primary" icon={Plus}>
              Primary
            </Button>
            <Button onClick={() => tell('Done', 'As it was asked.')}>Plain</Button>
            <Button look="danger" icon={Trash2}>
              Danger
            </Button>
            <Button look="quiet">Quiet</Button>
            <Button busy icon={Plus}>
              Busy
            </Button>
            <Button disabled>Disabled</Button>
            <IconButton label="Add" icon={Plus} />
            <Menu trigger={<Button>Menu</Button>}>
              <MenuItems
                of={[
                  { name: 'Open a dialog', onSelect: () => setOpen(true) },
                  { name: 'Delete', danger: true, icon: Trash2, onSelect: () => {} },
                ]}
              />
            </Menu>
          </div>
        </Card>
        <Card title="Status">
          <div className="flex flex-wrap gap-2">
            {STATUSES.map((status) => (
              <StatusBadge key={status} status={status} />
            ))}
            <Badge tone="warn">Warn</Badge>
          </div>
          <div className="mt-4 flex flex-col gap-3">
            <Progress label="Some" total={100} completed={40} failed={8} cancelled={5} moving />
            <Progress label="Thick" total={1_000} completed={900} failed={1} thick />
          </div>
        </Card>
        <Card title="Fields">
          <div className="flex flex-col gap-3">
            <Field label="Name" hint="What it is called." problem={text === '' ? 'Give it a name.' : undefined}>
              <Input value={text} onChange={setText} />
            </Field>
            <Field label="Text">
              <Textarea value={text} onChange={setText} mono rows={3} />
            </Field>
            <Select label="Choice" value={choice} of={CHOICES} onChange={setChoice} />
            <Combobox label="Find" value={found} of={CHOICES} onChange={setFound} none="Nothing is called that." />
            <Slider label="Sample" value={n} min={1} max={100} onChange={setN} shown={(value) => `${value} %`} />
            <NumberField label="Samples" value={n} min={1} max={100} onChange={(value) => setN(value ?? 1)} />
            <Switch label="On" checked={on} onChange={setOn} />
          </div>
        </Card>
        <Card title="Values">
          <div className="grid grid-cols-3 gap-3">
            <Figure label="Cost" value={<Money usd={0.0123} />} />
            <Figure label="Tokens" value={<Tokens n={123_456} />} />
            <Figure label="When" value={<Time at={new Date().toISOString()} />} />
          </div>
          <div className="mt-3 flex flex-col gap-3">
            <CodeBlock label="Code" text={'npm start\n# and then'} />
            <JsonView label="JSON" value={{ a: 1, b: ['two'] }} />
          </div>
        </Card>
        <Card title="States" flush>
          <Skeleton />
          <Empty icon={Inbox} title="Nothing here yet" lead="What it is for, and what to do first." />
          <Problem problem={PROBLEM} again={() => {}} />
        </Card>
      </div>
      <Dialog
        open={open}
        onClose={() => setOpen(false)}
        title="A dialog"
        lead="What it is for."
        actions={<Button look="primary">Do it</Button>}
      >
        <p>Something to fill in.</p>
      </Dialog>
    </Page>
  )
}
