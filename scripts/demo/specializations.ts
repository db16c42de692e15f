/** Forty fields of medicine: how common they are, what they cost, how long a visit is, and what they do. */
export type Specialization = {
  name: string
  /** How many of a thousand doctors, about. */
  weight: number
  /** The fee as a multiple of a general practitioner's, in percent. */
  fee: number
  /** Usual lengths of a visit. */
  minutes: readonly number[]
  services: readonly string[]
}

const field = (name: string, weight: number, fee: number, minutes: number[], services: string): Specialization => ({
  name,
  weight,
  fee,
  minutes,
  services: services.split(", "),
})

export const SPECIALIZATIONS: readonly Specialization[] = [
  field(
    "General Practice",
    190,
    100,
    [10, 15, 20],
    "General checkup, Vaccination, Blood pressure check, Sick note, Travel advice, Blood tests",
  ),
  field(
    "Internal Medicine",
    80,
    125,
    [15, 20, 30],
    "Diabetes care, Hypertension care, Annual checkup, Cholesterol management, Thyroid check",
  ),
  field("Pediatrics", 75, 120, [15, 20], "Child checkup, Childhood vaccination, Growth assessment, Newborn visit, School health form"),
  field("Dentistry", 70, 110, [20, 30, 45], "Dental checkup, Scaling, Fillings, Root canal treatment, Crowns, Extraction"),
  field("Gynecology", 50, 140, [20, 30], "Annual gynecological exam, Cervical smear, Ultrasound, Contraception advice, Menopause care"),
  field("Cardiology", 42, 180, [20, 30, 45], "ECG, Echocardiography, Stress test, Holter monitoring, Blood pressure care"),
  field("Dermatology", 40, 150, [10, 15, 20], "Skin cancer screening, Acne treatment, Eczema care, Mole removal, Patch test"),
  field("Ophthalmology", 34, 150, [15, 20], "Eye exam, Glaucoma screening, Cataract assessment, Retina photography, Contact lens fitting"),
  field("Orthopedics", 34, 170, [15, 20, 30], "Joint assessment, Fracture care, Joint injection, Sports injury care, Back pain care"),
  field("Psychiatry", 32, 190, [45, 60], "Psychiatric assessment, Medication review, Depression care, Anxiety care, ADHD assessment"),
  field("Obstetrics", 26, 150, [20, 30], "Antenatal visit, Pregnancy ultrasound, Postnatal visit, Fertility advice"),
  field("Otolaryngology", 24, 145, [15, 20], "Hearing test, Sinus care, Tonsil assessment, Ear cleaning, Voice assessment"),
  field("Neurology", 24, 190, [30, 45], "Headache care, EEG, Epilepsy care, Stroke follow-up, Nerve conduction study"),
  field("Gastroenterology", 22, 180, [20, 30], "Gastroscopy, Colonoscopy, Liver care, Reflux care, Food intolerance test"),
  field("Urology", 19, 165, [15, 20, 30], "Prostate check, Kidney stone care, Bladder care, Vasectomy advice"),
  field("Endocrinology", 18, 175, [20, 30], "Diabetes care, Thyroid care, Hormone tests, Osteoporosis care"),
  field("Pulmonology", 16, 170, [20, 30], "Lung function test, Asthma care, COPD care, Sleep apnea test"),
  field(
    "Physiotherapy",
    36,
    80,
    [30, 45, 60],
    "Manual therapy, Exercise therapy, Back rehabilitation, Sports rehabilitation, Posture assessment",
  ),
  field("Psychology", 30, 120, [45, 60], "Psychotherapy, Couple therapy, Stress management, Cognitive behavioural therapy"),
  field("Rheumatology", 12, 175, [20, 30], "Arthritis care, Joint ultrasound, Gout care, Lupus care"),
  field("Nephrology", 11, 180, [20, 30], "Kidney function check, Dialysis follow-up, Hypertension care"),
  field("Oncology", 14, 210, [30, 45], "Cancer follow-up, Second opinion, Chemotherapy, Genetic risk assessment"),
  field("Hematology", 9, 195, [20, 30], "Anemia care, Clotting tests, Bone marrow follow-up"),
  field("Allergology", 13, 140, [15, 20, 30], "Allergy test, Immunotherapy, Hay fever care, Food allergy care"),
  field("Infectious Diseases", 8, 170, [20, 30], "Tropical fever care, HIV care, Hepatitis care, Travel medicine"),
  field("Geriatrics", 11, 140, [30, 45], "Memory assessment, Fall prevention, Medication review, Home visit"),
  field("General Surgery", 16, 180, [15, 20, 30], "Hernia assessment, Wound care, Gallbladder assessment, Minor surgery"),
  field("Plastic Surgery", 9, 220, [30, 45], "Reconstructive consultation, Scar correction, Burn care, Botulinum treatment"),
  field("Vascular Surgery", 7, 200, [20, 30], "Varicose vein care, Doppler ultrasound, Aneurysm screening"),
  field("Neurosurgery", 6, 220, [30, 45], "Spine consultation, Disc surgery assessment, Second opinion"),
  field("Oral Surgery", 9, 160, [30, 45], "Wisdom tooth removal, Dental implants, Jaw assessment"),
  field("Orthodontics", 13, 150, [20, 30], "Braces, Aligners, Bite assessment, Retainer check"),
  field("Sports Medicine", 11, 140, [20, 30, 45], "Fitness assessment, Injury rehabilitation, Performance test, Taping"),
  field("Rehabilitation Medicine", 9, 135, [30, 45], "Stroke rehabilitation, Pain rehabilitation, Mobility assessment"),
  field("Pain Medicine", 8, 170, [20, 30], "Chronic pain care, Nerve block, Acupuncture, Medication review"),
  field("Radiology", 13, 160, [10, 15, 20], "X-ray, Ultrasound, CT report, MRI report, Mammography"),
  field("Nutrition", 14, 90, [30, 45], "Diet plan, Weight management, Sports nutrition, Diabetes nutrition"),
  field("Reproductive Medicine", 7, 210, [30, 45], "Fertility assessment, IVF consultation, Hormone tests, Semen analysis"),
  field("Occupational Medicine", 9, 110, [15, 20, 30], "Pre-employment exam, Workplace assessment, Hearing test, Fitness certificate"),
  field("Audiology", 8, 100, [30, 45], "Hearing test, Hearing aid fitting, Tinnitus care, Balance assessment"),
]
