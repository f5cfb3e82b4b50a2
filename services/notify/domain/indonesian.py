"""Notices in Indonesian, in the register of official letters."""

from services.notify.domain.phrases import Phrases, Template

_TEMPLATES = {
    "waitlisted": Template(
        "Daftar tunggu: {cohort}",
        (
            "Anda tercatat dalam daftar tunggu {cohort} pada urutan ke-{position}.",
            (
                "Apabila ada tempat yang tersedia, Anda akan ditetapkan sebagai peserta menurut "
                "urutan dan "
                "diberi tahu melalui pesan ini. Anda tidak perlu melakukan apa pun."
            ),
        ),
    ),
    "nomination_refused": Template(
        "Usulan belum dapat diterima: {cohort}",
        (
            "Usulan Anda sebagai peserta {cohort} belum dapat diterima karena:\n{reasons}",
            (
                "Untuk penjelasan atau perbaikan data, silakan menghubungi pengelola kepegawaian "
                "di instansi "
                "Anda."
            ),
        ),
    ),
    "enrolled": Template(
        "Anda terdaftar sebagai peserta {cohort}",
        (
            "Anda telah ditetapkan sebagai peserta {cohort} pada program {programme}.",
            "Program terdiri atas {phases} tahap dengan jumlah {jp} JP.",
            "Pelaksanaan: {starts} sampai dengan {ends}.",
        ),
    ),
    "withdrawn": Template(
        "Kepesertaan berakhir: {cohort}",
        (
            "Kepesertaan Anda dalam {cohort} telah berakhir.",
            "Alasan: {reason}",
            "Apabila hal ini tidak sesuai, silakan menghubungi penyelenggara.",
        ),
    ),
    "rescheduled": Template(
        "Perubahan jadwal: {cohort}",
        (
            "Jadwal {cohort} telah berubah (jadwal versi {number}):\n{calendar}",
            "Jadwal ini menggantikan jadwal sebelumnya.",
        ),
    ),
    "phase_completed": Template(
        "Tahap {phase} dari {of} selesai: {cohort}",
        (
            (
                "Anda telah menyelesaikan tahap {phase} dari {of}, {title} ({jp} JP), pada program "
                "{programme}."
            ),
        ),
    ),
    "programme_completed": Template(
        "Seluruh tahap selesai: {cohort}",
        (
            "Anda telah menyelesaikan seluruh tahap program {programme} ({jp} JP).",
            "Penetapan kelulusan atau penerbitan sertifikat akan diberitahukan tersendiri.",
        ),
    ),
    "programme_completed.corrected": Template(
        "Pembetulan hasil program: {cohort}",
        (
            "Hasil Anda pada program {programme} telah dibetulkan (pembetulan ke-{revision}).",
            "Apabila sertifikat telah terbit, penggantinya akan diberitahukan tersendiri.",
        ),
    ),
    "phase_at_risk": Template(
        "Batas waktu mendekat: tahap {phase}, {cohort}",
        (
            "Tahap {phase}, {title}, pada {cohort} berakhir pada {due} dan belum lengkap.",
            "Yang belum terpenuhi:\n{missing}",
        ),
    ),
    "graduation_decided.graduated": Template(
        "Dinyatakan lulus: {cohort}",
        (
            "Selamat. Anda dinyatakan lulus dari {cohort}.",
            (
                "Penetapan tanggal {decided_on}, berita acara {minutes}, ditetapkan oleh "
                "{signatory} "
                "({position})."
            ),
        ),
    ),
    "graduation_decided.deferred": Template(
        "Kelulusan ditunda: {cohort}",
        (
            "Penetapan kelulusan Anda dari {cohort} ditunda.",
            "Penundaan berlaku sampai dengan {until}.",
            (
                "Penetapan tanggal {decided_on}, berita acara {minutes}, ditetapkan oleh "
                "{signatory} "
                "({position})."
            ),
        ),
    ),
    "graduation_decided.not_graduated": Template(
        "Hasil penetapan kelulusan: {cohort}",
        (
            "Anda dinyatakan tidak lulus dari {cohort}.",
            (
                "Penetapan tanggal {decided_on}, berita acara {minutes}, ditetapkan oleh "
                "{signatory} "
                "({position})."
            ),
            "Untuk penjelasan, silakan menghubungi penyelenggara.",
        ),
    ),
    "graduation_decided.left": Template(
        "Hasil penetapan kelulusan: {cohort}",
        (
            "Anda dicatat tidak melanjutkan {cohort}.",
            (
                "Penetapan tanggal {decided_on}, berita acara {minutes}, ditetapkan oleh "
                "{signatory} "
                "({position})."
            ),
        ),
    ),
    "certified": Template(
        "Sertifikat terbit: {programme}",
        (
            (
                "Sertifikat Anda untuk program {programme} telah terbit dengan nomor {number} "
                "({jp} JP), "
                "tanggal {issued_on}."
            ),
            "Nilai akhir: {score}",
            "Predikat: {predicate}",
            "Berlaku sampai dengan {valid_until}.",
            (
                "Nomor {draft} masih berupa draf sampai ditandatangani; Anda akan diberi tahu setelah "
                "ditandatangani."
            ),
            "Keaslian sertifikat dapat diperiksa oleh siapa pun pada alamat berikut:",
            "{verify_url}",
        ),
    ),
    "certified.again": Template(
        "Sertifikat pengganti terbit: {programme}",
        (
            (
                "Sertifikat Anda untuk program {programme} telah terbit dengan nomor {number} "
                "({jp} JP), "
                "tanggal {issued_on}, menggantikan nomor {supersedes}."
            ),
            "Nilai akhir: {score}",
            "Predikat: {predicate}",
            "Berlaku sampai dengan {valid_until}.",
            (
                "Nomor {draft} masih berupa draf sampai ditandatangani; Anda akan diberi tahu setelah "
                "ditandatangani."
            ),
            "Keaslian sertifikat dapat diperiksa oleh siapa pun pada alamat berikut:",
            "{verify_url}",
        ),
    ),
    "certificate_signed": Template(
        "Sertifikat telah ditandatangani: {programme}",
        (
            (
                "Sertifikat Anda nomor {number} untuk program {programme} telah ditandatangani pada "
                "tanggal {signed_on}. Sertifikat berlaku mulai sekarang dan {jp} JP telah dihitung."
            ),
            "Nomor registrasi nasional: {external_number}",
            "Keaslian sertifikat dapat diperiksa oleh siapa pun pada alamat berikut:",
            "{verify_url}",
        ),
    ),
    "certificate_superseded": Template(
        "Sertifikat digantikan: {number}",
        (
            (
                "Sertifikat nomor {number} untuk program {programme} tidak berlaku lagi dan "
                "digantikan oleh "
                "sertifikat nomor {by_number}."
            ),
            "Alasan: {reason}",
        ),
    ),
    "certificate_revoked": Template(
        "Sertifikat dicabut: {number}",
        (
            (
                "Sertifikat nomor {number} untuk program {programme} telah dicabut dan tidak "
                "berlaku lagi."
            ),
            "Alasan: {reason}",
            "Apabila hal ini tidak sesuai, silakan menghubungi penyelenggara.",
        ),
    ),
}

_REASONS = {
    "malformed-nip": "NIP tidak terdiri atas 18 angka",
    "impossible-nip": "NIP memuat tanggal atau angka yang tidak mungkin",
    "duplicate-in-list": "tercantum lebih dari satu kali dalam daftar usulan",
    "not-eligible-position-level": "jenjang jabatan tidak memenuhi syarat program",
    "not-eligible-employment": "status kepegawaian tidak memenuhi syarat program",
    "prerequisite-missing": "program prasyarat belum diselesaikan",
    "overlapping-training": "waktunya tumpang tindih dengan pelatihan klasikal lain",
    "already-certified": "masih memegang sertifikat yang berlaku untuk program ini",
    "not-endorsed": "usulan belum disahkan oleh pejabat instansi",
    "no-seat": "tidak ada tempat yang tersisa",
    "already-enrolled": "telah terdaftar dalam angkatan ini",
    "withdrew-earlier": "pernah mengundurkan diri dari angkatan ini",
}

_DESK = {
    "waitlisted": "Daftar tunggu {cohort}, urutan ke-{position}",
    "nomination_refused": "Usulan untuk {cohort} belum dapat diterima, karena:\n{reasons}",
    "enrolled": "Ditetapkan sebagai peserta {cohort}",
    "withdrawn": "Kepesertaan dalam {cohort} berakhir: {reason}",
    "rescheduled": "Jadwal {cohort} berubah:\n{calendar}",
    "phase_completed": "Tahap {phase} dari {of}, {title}, pada {cohort} selesai",
    "programme_completed": "Seluruh tahap {cohort} selesai ({jp} JP)",
    "programme_completed.corrected": "Hasil pada {cohort} dibetulkan (pembetulan ke-{revision})",
    "phase_at_risk": "Tahap {phase} pada {cohort} berakhir {due} dan belum lengkap:\n{missing}",
    "graduation_decided.graduated": "Dinyatakan lulus dari {cohort}",
    "graduation_decided.deferred": "Kelulusan dari {cohort} ditunda",
    "graduation_decided.not_graduated": "Dinyatakan tidak lulus dari {cohort}",
    "graduation_decided.left": "Dicatat tidak melanjutkan {cohort}",
    "certified": "Sertifikat {programme} terbit, nomor {number} ({jp} JP)",
    "certified.again": "Sertifikat pengganti {programme} terbit, nomor {number} ({jp} JP)",
    "certificate_signed": "Sertifikat {programme} ditandatangani, nomor {number} ({jp} JP)",
    "certificate_superseded": "Sertifikat nomor {number} digantikan oleh nomor {by_number}",
    "certificate_revoked": "Sertifikat nomor {number} dicabut: {reason}",
}

PHRASES = Phrases(
    templates=_TEMPLATES,
    desk=_DESK,
    reasons=_REASONS,
    months=(
        "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September",
        "Oktober", "November", "Desember",
    ),
    decimal=",",
    salutation="Yth. {name},",
    stranger="Bapak/Ibu",
    closing="Pesan ini dikirim secara otomatis oleh CorpU dan tidak perlu dibalas. Pilihan "
    "pemberitahuan dapat diubah di CorpU.",
    scheduled="Tahap {phase}: {starts} sampai dengan {ends}",
    unscheduled="Tahap {phase}: tanpa tanggal tetap",
)  # fmt: skip
"""Everything that notices say in Indonesian."""
