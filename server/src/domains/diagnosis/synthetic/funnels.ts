/** The questionnaires of the synthetic practices, in our own words; some have two versions, which were asked differently. */

export type Question =
  | {
      readonly id: string
      readonly label: string
      readonly type: 'scale' | 'number'
      readonly least: number
      readonly most: number
      readonly optional?: true
      /** Is a high number good or bad? */ readonly high: 'good' | 'bad' | 'neither'
    }
  | {
      readonly id: string
      readonly label: string
      readonly type: 'choice' | 'choices'
      /** From good to bad. */ readonly options: readonly string[]
      readonly optional?: true
    }
  | { readonly id: string; readonly label: string; readonly type: 'text'; readonly optional?: true }

export interface Funnel {
  readonly slug: string
  readonly title: string
  /** Oldest first. */
  readonly versions: readonly (readonly Question[])[]
}

const scale = (id: string, label: string, least: number, most: number, high: 'good' | 'bad' | 'neither'): Question => ({
  id,
  label,
  type: 'scale',
  least,
  most,
  high,
})
const number = (
  id: string,
  label: string,
  least: number,
  most: number,
  high: 'good' | 'bad' | 'neither',
): Question => ({
  id,
  label,
  type: 'number',
  least,
  most,
  high,
})
const choice = (id: string, label: string, ...options: string[]): Question => ({ id, label, type: 'choice', options })
const perhaps = (question: Question): Question => ({ ...question, optional: true })

const STRESS = [
  scale('stress_q1', 'How often do you feel under stress in your daily life?', 0, 4, 'bad'),
  scale('stress_q2', 'How often is it all too much for you?', 0, 4, 'bad'),
  scale('stress_q3', 'How often do you feel that things are out of your hands?', 0, 4, 'bad'),
  scale('stress_q4', 'How often are you tense or easily irritated?', 0, 4, 'bad'),
  scale('sleep_q1', 'How well do you fall asleep?', 0, 4, 'good'),
  scale('sleep_q2', 'How often do you lie awake at night?', 0, 4, 'bad'),
  scale('sleep_q3', 'How rested are you in the morning?', 0, 4, 'good'),
  scale('sleep_q4', 'How often are you exhausted during the day?', 0, 4, 'bad'),
]

export const FUNNELS: readonly Funnel[] = [
  {
    slug: 'stress',
    title: 'Stress',
    versions: [
      STRESS,
      [
        ...STRESS.slice(0, 4),
        ...STRESS.slice(4).map((question) => ({
          ...question,
          label: question.label.replace('?', ' in the last four weeks?'),
        })),
        perhaps({ id: 'stress_note', label: 'What burdens you most?', type: 'text' }),
      ],
    ],
  },
  {
    slug: 'sleep-quality',
    title: 'Sleep quality',
    versions: [
      [
        number('sleep_hours', 'How many hours do you sleep in a usual night?', 0, 24, 'good'),
        scale('sleep_quality', 'How good is your sleep?', 1, 10, 'good'),
        perhaps({
          id: 'sleep_issues',
          label: 'What disturbs your sleep?',
          type: 'choices',
          options: ['none', 'waking', 'insomnia', 'snoring', 'apnea'],
        }),
        choice('bedroom_temp', 'How warm is your bedroom?', 'comfortable', 'cold', 'warm'),
        choice(
          'screen_time',
          'How long do you look at screens before you sleep?',
          'none',
          'minimal',
          'moderate',
          'high',
        ),
        perhaps({ id: 'sleep_note', label: 'Is there anything else about your sleep?', type: 'text' }),
      ],
    ],
  },
  {
    slug: 'cardiovascular-age',
    title: 'Cardiovascular age',
    versions: [
      [
        number('age', 'How old are you?', 18, 120, 'neither'),
        choice('blood_pressure', 'How is your blood pressure?', 'normal', 'elevated', 'high'),
        perhaps(choice('cholesterol', 'How is your cholesterol?', 'normal', 'borderline', 'high')),
        choice('smoking', 'Do you smoke?', 'never', 'former', 'current'),
        scale('exercise', 'On how many days a week do you exercise?', 0, 7, 'good'),
      ],
      [
        number('age', 'What is your age in years?', 18, 120, 'neither'),
        choice('blood_pressure', 'What was your last blood pressure?', 'normal', 'elevated', 'high'),
        perhaps(choice('cholesterol', 'What was your last cholesterol?', 'normal', 'borderline', 'high')),
        choice('smoking', 'Do you smoke, or did you?', 'never', 'former', 'current'),
        scale('exercise', 'On how many days a week do you move so that you sweat?', 0, 7, 'good'),
        perhaps({ id: 'heart_note', label: 'What do you feel in your chest, if anything?', type: 'text' }),
      ],
    ],
  },
  {
    slug: 'heart-health-nutrition',
    title: 'Heart-health nutrition',
    versions: [
      [
        number('meals_per_day', 'How many meals do you have a day?', 1, 10, 'neither'),
        choice('breakfast', 'How often do you have breakfast?', 'daily', 'sometimes', 'rarely', 'never'),
        scale('vegetables', 'How many portions of vegetables do you eat a day?', 0, 10, 'good'),
        scale('fruits', 'How many portions of fruit do you eat a day?', 0, 10, 'good'),
        choice('whole_grains', 'How often are your grains whole?', 'always', 'often', 'sometimes', 'rarely'),
        choice('red_meat', 'How often do you eat red meat?', 'rarely', 'monthly', 'weekly', 'daily'),
        scale('fish', 'How often do you eat fish in a week?', 0, 14, 'good'),
        choice('salt', 'How salty do you eat?', 'low', 'moderate', 'high'),
      ],
    ],
  },
  {
    slug: 'first-intake-sociological-anamnesis',
    title: 'Social anamnesis',
    versions: [
      [
        number('household_size', 'How many people live in your household?', 1, 12, 'neither'),
        choice('living_situation', 'How do you live?', 'family', 'partner', 'shared', 'other', 'alone'),
        choice('care_responsibilities', 'Do you care for somebody?', 'no', 'yes'),
        scale('housing_stability', 'How secure is your housing?', 1, 5, 'good'),
        scale('social_support_level', 'How well are you supported by others?', 1, 5, 'good'),
        choice(
          'contact_frequency',
          'How often do you meet people who are dear to you?',
          'daily',
          'weekly',
          'monthly',
          'rarely',
        ),
        scale('loneliness_level', 'How lonely are you?', 1, 5, 'bad'),
        perhaps({
          id: 'support_sources',
          label: 'Who supports you?',
          type: 'choices',
          options: ['family', 'friends', 'neighbors', 'professional', 'none'],
        }),
        choice(
          'employment_status',
          'What is your work?',
          'full_time',
          'part_time',
          'self_employed',
          'retired',
          'other',
          'unemployed',
        ),
        scale('financial_stress_level', 'How much do you worry about money?', 1, 5, 'bad'),
        choice('language_barriers', 'Is language a barrier for you?', 'no', 'yes'),
        { id: 'primary_sociological_concern', label: 'What is your main concern?', type: 'text' },
      ],
    ],
  },
]
