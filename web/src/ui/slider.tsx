/** How much, by hand: a piece that the first page has no need of, so it is loaded with the page that has. */
import { Slider as BaseSlider } from '@base-ui/react/slider'
import type { Amount } from './number-field.tsx'

export function Slider({
  label,
  value,
  onChange,
  min,
  max,
  step = 1,
  shown,
}: Amount & { label: string; shown?: (value: number) => string }) {
  return (
    <BaseSlider.Root
      value={value}
      min={min}
      max={max}
      step={step}
      onValueChange={(next) => onChange(next)}
      className="flex flex-col gap-1"
    >
      <div className="flex justify-between text-sm">
        <BaseSlider.Label className="font-medium">{label}</BaseSlider.Label>
        <output className="text-dim">{shown === undefined ? value : shown(value)}</output>
      </div>
      <BaseSlider.Control className="flex h-6 w-full touch-none items-center select-none">
        <BaseSlider.Track className="h-1.5 w-full rounded-full bg-line">
          <BaseSlider.Indicator className="rounded-full bg-accent" />
          <BaseSlider.Thumb className="size-4.5 rounded-full border-2 border-accent bg-box shadow-low has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent" />
        </BaseSlider.Track>
      </BaseSlider.Control>
    </BaseSlider.Root>
  )
}
