package eventschema

import "slices"

// The roles that the register names. An adapter's roles are these words.
const (
	roleWorker  = "worker" // the person whose values they are
	roleManager = "manager"
	roleHR      = "hr"
	rolePrivacy = "privacy"
	roleAuditor = "auditor"
)

// claims is who opens values that are kept for claims and audits alone.
func claims() map[Use][]string {
	return map[Use][]string{UseLegalClaim: {rolePrivacy}, UseAudit: {roleAuditor}}
}

// workers is the usual category of people.
func workers() []string { return []string{"workers"} }

// enrolled adds those whom a school enrols: their values are held like a worker's.
func enrolled() []string { return append(workers(), "students") }

// opened adds the ordinary use to claims and audits.
func opened(service ...string) map[Use][]string {
	open := claims()
	open[UseService] = service
	return open
}

// Register is the record of processing: every purpose for which Tracekeep holds
// personal values. Lifetimes are those of the default profile. Sources: design,
// keys and lifetimes; the promises named in each row; mission rules, section 6.
func Register() []ProcessingActivity {
	return slices.Concat(aboutThePerson(), aboutTheWork(), aboutItems(), aboutTheService())
}

// aboutThePerson goes with the account.
func aboutThePerson() []ProcessingActivity {
	return []ProcessingActivity{
		{
			Purpose: PurposeIdentity, Holds: "legal name, birth date, photo reference, login, and the link from the person to the work record",
			Categories: []string{"user.name", "user.demographic.date_of_birth", "user.account", "user.unique_id.pseudonymous"}, Subjects: enrolled(),
			Key: PerPerson, KeyMade: AtRegistration, AtErasure: ErasureDestroys,
			Retention: RetentionRule{Anchor: AnchorClosure, Keep: Span{Days: 7}, Source: "ST-37: within 30 days of account closure, final", Sooner: []string{"erasure"}},
			Basis:     BasisContract, BasisNote: "contract of employment or with the school, GDPR Art. 6(1)(b)", Recipients: []string{"payroll processor"},
			Open: opened(roleWorker, roleHR, rolePrivacy),
		},
		{
			Purpose: PurposeContact, Holds: "e-mail address, telephone number, postal address",
			Categories: []string{"user.contact.email", "user.contact.phone_number", "user.contact.address"}, Subjects: enrolled(),
			Key: PerPerson, KeyMade: AtRegistration, AtErasure: ErasureDestroys,
			Retention: RetentionRule{Anchor: AnchorClosure, Keep: Span{Days: 7}, Source: "ST-37: within 30 days of account closure, final", Sooner: []string{"erasure", "request of the person for this purpose alone"}},
			Basis:     BasisContract, BasisNote: "contract of employment or with the school, GDPR Art. 6(1)(b)",
			Open: opened(roleWorker, roleHR, rolePrivacy),
		},
		{
			Purpose: PurposeThirdParty, Holds: "emergency contacts: name, relation, telephone number",
			Categories: []string{"user.contact.phone_number"}, Subjects: []string{"people whom workers name"},
			Key: PerPerson, KeyMade: AtFirstEntry, AtErasure: ErasureDestroys,
			Retention: RetentionRule{Anchor: AnchorClosure, Keep: Span{Days: 7}, Source: "ST-37: within 30 days of account closure, final", Sooner: []string{"erasure", "request of the third person"}},
			Basis:     BasisLegitimateInterests, BasisNote: "safety at work, GDPR Art. 6(1)(f)",
			Open: opened(roleWorker, roleHR),
		},
	}
}

// aboutTheWork hangs on the work id.
func aboutTheWork() []ProcessingActivity {
	return []ProcessingActivity{
		{
			Purpose: PurposeWork, Holds: "task, job code, quality metrics, supervisor reference, and the payroll name and employee number that a wage claim needs; of a student the name and the school's number",
			Categories: []string{"user.workplace", "user.job_title", "user.name"}, Subjects: enrolled(),
			Key: PerWork, KeyMade: AtRegistration, AtErasure: ErasureRestricts,
			Retention: RetentionRule{
				Anchor: AnchorEmploymentEnd, Keep: Span{Years: 7}, Source: "ST-36: work records retained for 7 years",
				Floor: Span{Years: 4}, FloorSource: "29 CFR 516.5 (3 years from the last entry), 26 CFR 31.6001-1(e)(2) (4 years after the tax is due)",
			},
			Basis: BasisLegalObligation, BasisNote: "wage records, 29 CFR 516.2 and 516.5", Recipients: []string{"payroll processor", "labour and tax authorities on request"},
			Open: opened(roleWorker, roleManager, roleHR),
			Apart: []ShownApart{{
				Category: CategoryPerformance, Holds: "ratings of completed shifts and tasks, and measures of productivity computed from shifts, tasks and hours",
				Open: map[Use][]string{UseService: {roleWorker, roleHR}, UseAudit: {roleAuditor}},
			}},
		},
		{
			Purpose: PurposeLocation, Holds: "coordinates of punches and their accuracy",
			Categories: []string{"user.location.precise"}, Subjects: workers(),
			Key: PerWorkMonth, KeyMade: AtConsent, AtErasure: ErasureDestroys,
			Retention: RetentionRule{Anchor: AnchorRecorded, Keep: Span{Months: 12}, Source: "ST-10: only while consent stands", Sooner: []string{"withdrawal of consent, every month at once", "erasure"}},
			Basis:     BasisConsent, BasisNote: "consent, GDPR Art. 6(1)(a) and 7",
			Open: opened(roleWorker, roleHR),
		},
	}
}

// aboutItems has a key for each item.
func aboutItems() []ProcessingActivity {
	return []ProcessingActivity{
		{
			Purpose: PurposeMedia, Holds: "photos and documents",
			Categories: []string{"user.content.photo", "user.content.private"}, Subjects: workers(),
			Key: PerItem, KeyMade: AtFirstEntry, AtErasure: ErasureDestroys,
			Retention: RetentionRule{Anchor: AnchorClosure, Keep: Span{Days: 7}, Source: "DS-24: any specific data alone", Sooner: []string{"deletion of the item", "end of what it was kept for", "erasure"}},
			Basis:     BasisContract, BasisNote: "employment contract, GDPR Art. 6(1)(b)",
			Open: opened(roleWorker, roleHR),
		},
		{
			Purpose: PurposeNotes, Holds: "free text and messages",
			Categories: []string{"user.content.private"}, Subjects: []string{"workers", "people whom a text mentions"},
			Key: PerItem, KeyMade: AtFirstEntry, AtErasure: ErasureDestroys,
			Retention: RetentionRule{Anchor: AnchorRecorded, Keep: Span{Years: 2}, Source: "design, keys and lifetimes", Sooner: []string{"deletion of the item", "erasure"}},
			Basis:     BasisLegitimateInterests, BasisNote: "running the workplace, GDPR Art. 6(1)(f)",
			Open: opened(roleWorker, roleManager, roleHR),
		},
	}
}

// aboutTheService is what running it, and the law, leave behind.
func aboutTheService() []ProcessingActivity {
	return []ProcessingActivity{
		{
			Purpose: PurposeTechnical, Holds: "network address, user agent, device",
			Categories: []string{"user.device.ip_address", "user.device"}, Subjects: workers(),
			Key: PerTenantDay, KeyMade: AtFirstEntry, AtErasure: ErasureLeaves,
			Retention: RetentionRule{Anchor: AnchorRecorded, Keep: Span{Days: 30}, Source: "OT-10: own short retention"},
			Basis:     BasisLegitimateInterests, BasisNote: "security of the service, GDPR Art. 6(1)(f)",
			Open: map[Use][]string{UseAudit: {roleAuditor}},
		},
		{
			Purpose: PurposeCase, Holds: "privacy requests, who made them and their evidence",
			Categories: []string{"user.privacy_preferences"}, Subjects: []string{"whoever makes a request"},
			Key: PerCase, KeyMade: AtOpening, AtErasure: ErasureLeaves,
			Retention: RetentionRule{
				Anchor: AnchorCaseEnd, Keep: Span{Months: 24}, Source: "Cal. Code Regs. tit. 11, § 7101: 24 months",
				Floor: Span{Months: 24}, FloorSource: "Cal. Code Regs. tit. 11, § 7101",
			},
			Basis: BasisLegalObligation, BasisNote: "record of requests, GDPR Art. 5(2) and 12", Recipients: []string{"supervisory authority on request"},
			Open: opened(rolePrivacy),
		},
		{
			Purpose: PurposeExport, Holds: "packages handed out: access, portability",
			Categories: []string{"user"}, Subjects: workers(),
			Key: PerPackage, KeyMade: AtOpening, AtErasure: ErasureLeaves,
			Retention: RetentionRule{Anchor: AnchorHandedOver, Keep: Span{Days: 7}, Source: "design, keys and lifetimes"},
			Basis:     BasisLegalObligation, BasisNote: "access and portability, GDPR Art. 15 and 20", Recipients: []string{"the person"},
			Open: opened(roleWorker, rolePrivacy),
		},
	}
}
